//! What is not work, most of the time.

use super::{Place, Shot, glance, slug, window};
use crate::day::{MINUTE, SECOND};
use crate::random::Random;
use crate::words;

pub(super) fn drawing(random: &mut Random) -> Shot {
    let name = random.pick(words::PICTURES);
    let length = glance(random, 180);
    match random.chance(500) {
        true => window("org.inkscape.Inkscape", &format!("{name}.svg - Inkscape"), length),
        false => window("gimp", &format!("{name}.xcf-2.0 (RGB color) – GIMP"), length),
    }
}

pub(super) fn news(place: &Place, random: &mut Random) -> Shot {
    let headline = random.pick(words::HEADLINES);
    let (name, domain) = random.pick(words::PAPERS_OF_NEWS);
    let length = glance(random, 150);
    if random.chance(300) {
        return place.browse(name, &format!("https://{domain}/"), length);
    }
    let url = format!("https://{domain}/{}", slug(headline));
    place.browse(&format!("{headline} | {name}"), &url, length)
}

pub(super) fn social(place: &Place, random: &mut Random) -> Shot {
    let length = glance(random, 110);
    match random.between(0, 10) {
        0..5 => {
            let (board, post) = random.pick(words::POSTS);
            let url = format!(
                "https://www.reddit.com/r/{board}/comments/{:06x}/{}",
                random.between(0, 1 << 24),
                slug(post)
            );
            place.browse(&format!("{post} : r/{board}"), &url, length)
        }
        5..7 => place.browse("Home - Mastodon", "https://mastodon.social/home", length),
        7..9 => place.browse("Instagram", "https://www.instagram.com/", length),
        _ => window(
            "TelegramDesktop",
            &format!("{} – Telegram", random.pick(words::PEOPLE)),
            length,
        ),
    }
}

pub(super) fn video(place: &Place, random: &mut Random) -> Shot {
    if random.chance(80) {
        return place.browse("YouTube", "https://www.youtube.com/", glance(random, 60));
    }
    let length = random.skewed(40 * SECOND, 28 * MINUTE);
    let title = random.pick(words::VIDEOS);
    if random.chance(100) {
        return Shot {
            quiet: true,
            ..window("vlc", &format!("{title}.mkv - VLC media player"), length)
        };
    }
    let url = format!(
        "https://www.youtube.com/watch?v={:011x}",
        random.between(0, 1 << 44)
    );
    let mut shot = place.browse(&format!("{title} - YouTube"), &url, length);
    shot.quiet = true;
    if let Some(page) = &mut shot.page {
        page.audible = true;
    }
    shot
}

pub(super) fn game(random: &mut Random) -> Shot {
    if random.chance(200) {
        return window("steam", "Steam", glance(random, 40));
    }
    let (app, title) = random.pick(words::GAMES);
    window(app, title, random.skewed(20 * SECOND, 20 * MINUTE))
}

pub(super) fn shopping(place: &Place, random: &mut Random) -> Shot {
    let (title, url) = random.pick(words::SHOPS);
    let mut shot = place.browse(title, url, glance(random, 100));
    let incognito = random.chance(120);
    if let Some(page) = &mut shot.page {
        page.incognito = incognito;
    }
    shot
}

pub(super) fn photos(random: &mut Random) -> Shot {
    let number = random.between(1_000, 9_999);
    window(
        "org.gnome.Shotwell",
        &format!("IMG_{number}.JPG - Shotwell"),
        glance(random, 30),
    )
}
