//! Mail, chat, documents, tickets, calls.

use super::{Place, Shot, glance, window};
use crate::day::SECOND;
use crate::plan::Profile;
use crate::random::Random;
use crate::words;

pub(super) fn mail(place: &Place, random: &mut Random) -> Shot {
    let length = glance(random, 120);
    let subject = random.pick(words::SUBJECTS);
    if place.profile == Profile::Manager {
        return match random.chance(300) {
            true => window(
                "thunderbird",
                &format!("Write: Re: {subject} - Thunderbird"),
                length,
            ),
            false => window(
                "thunderbird",
                &format!("{subject} - Inbox - Mozilla Thunderbird"),
                length,
            ),
        };
    }
    let url = format!(
        "https://mail.google.com/mail/u/0/#inbox/{:016x}",
        random.between(0, i64::MAX)
    );
    if random.chance(400) {
        let unread = random.between(1, 40);
        return place.browse(
            &format!("Inbox ({unread}) - ann@example.com - Gmail"),
            "https://mail.google.com/mail/u/0/#inbox",
            length,
        );
    }
    place.browse(&format!("{subject} - ann@example.com - Gmail"), &url, length)
}

pub(super) fn chat(place: &Place, random: &mut Random) -> Shot {
    let length = glance(random, 60);
    let person = random.pick(words::PEOPLE);
    if place.profile == Profile::Student || place.device > 0 {
        return match random.chance(500) {
            true => window("TelegramDesktop", &format!("{person} – Telegram"), length),
            false => window(
                "discord",
                &format!("#{} | Study group - Discord", random.pick(words::CHANNELS)),
                length,
            ),
        };
    }
    let place_of_talk = match random.chance(400) {
        true => format!("{person} (DM)"),
        false => format!("{} (Channel)", random.pick(words::CHANNELS)),
    };
    let new = if random.chance(350) { "* " } else { "" };
    window(
        "Slack",
        &format!("{new}{place_of_talk} - Example Inc - Slack"),
        length,
    )
}

pub(super) fn documents(place: &Place, random: &mut Random) -> Shot {
    let name = random.pick(words::DOCUMENTS);
    let length = glance(random, 200);
    if place.profile == Profile::Student || random.chance(250) {
        return window(
            "libreoffice-writer",
            &format!("{name}.odt - LibreOffice Writer"),
            length,
        );
    }
    let url = format!("https://docs.google.com/document/d/{:016x}/edit", hash(name));
    place.browse(&format!("{name} - Google Docs"), &url, length)
}

pub(super) fn slides(random: &mut Random) -> Shot {
    let name = random.pick(words::DOCUMENTS);
    window(
        "libreoffice-impress",
        &format!("{name}.odp - LibreOffice Impress"),
        glance(random, 150),
    )
}

pub(super) fn tables(random: &mut Random) -> Shot {
    let name = random.pick(words::TABLES);
    window(
        "libreoffice-calc",
        &format!("{name}.ods - LibreOffice Calc"),
        glance(random, 150),
    )
}

pub(super) fn tickets(place: &Place, random: &mut Random) -> Shot {
    let number = random.between(100, 4_200);
    let key = place.project.name.get(..3).unwrap_or("abc").to_uppercase();
    let url = format!("https://tickets.example.com/browse/{key}-{number}");
    let title = format!("[{key}-{number}] {} - Tickets", random.pick(words::CHANGES));
    place.browse(&title, &url, glance(random, 90))
}

pub(super) fn papers(place: &Place, random: &mut Random) -> Shot {
    let title = random.pick(words::PAPERS);
    match random.between(0, 10) {
        0..6 => window("evince", &format!("{title}.pdf"), glance(random, 400)),
        6..8 => window("zotero", "My Library - Zotero", glance(random, 60)),
        _ => {
            let url = format!(
                "https://arxiv.org/abs/{:04}.{:05}",
                random.between(1001, 2612),
                random.between(1, 20_000)
            );
            place.browse(&format!("[arXiv] {title}"), &url, glance(random, 120))
        }
    }
}

/// A call of which one mostly listens.
pub(super) fn call(place: &Place, random: &mut Random, title: &str) -> Shot {
    let length = random.between(40 * SECOND, 900 * SECOND);
    let quiet = random.chance(600);
    if place.profile == Profile::Manager {
        return Shot {
            quiet,
            ..window("zoom", &format!("Zoom Meeting - {title}"), length)
        };
    }
    let url = "https://meet.google.com/fak-data-xyz";
    let mut shot = place.browse(&format!("Meet – {title}"), url, length);
    shot.quiet = quiet;
    if let Some(page) = &mut shot.page {
        page.audible = true;
    }
    shot
}

/// The same document has the same address.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
