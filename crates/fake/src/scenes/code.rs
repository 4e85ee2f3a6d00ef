//! Editors, terminals, reviews, documentation.

use super::{Place, Shot, Source, glance, slug, window};
use crate::random::Random;
use crate::words;

pub(super) fn coding(place: &Place, random: &mut Random) -> Shot {
    match random.between(0, 100) {
        0..58 => editor(place, random),
        58..86 => terminal(place, random),
        86..94 => question(place, random),
        _ => documentation(place, random),
    }
}

fn editor(place: &Place, random: &mut Random) -> Shot {
    let project = place.project;
    let (file, language) = random.pick(project.files);
    let unsaved = if random.chance(300) { "● " } else { "" };
    let name = file.rsplit('/').next().unwrap_or(file);
    let title = format!("{unsaved}{name} - {} - Visual Studio Code", project.name);
    Shot {
        source: Some(Source {
            file: format!("/home/ann/src/{}/{file}", project.name),
            project: project.name,
            language,
        }),
        ..window("Code", &title, glance(random, 150))
    }
}

fn terminal(place: &Place, random: &mut Random) -> Shot {
    let project = place.project;
    let title = match random.between(0, 10) {
        0..4 => format!("ann@fake-laptop: ~/src/{}", project.name),
        4..6 => {
            let (file, _) = random.pick(project.files);
            format!("vim {file}")
        }
        _ => random.pick(words::COMMANDS).to_owned(),
    };
    window("Gnome-terminal", &title, glance(random, 70))
}

fn question(place: &Place, random: &mut Random) -> Shot {
    let question = random.pick(words::QUESTIONS);
    let number = random.between(1_000_000, 79_000_000);
    let url = format!("https://stackoverflow.com/questions/{number}/{}", slug(question));
    place.browse(&format!("{question} - Stack Overflow"), &url, glance(random, 110))
}

fn documentation(place: &Place, random: &mut Random) -> Shot {
    let (title, url) = random.pick(words::DOCUMENTATION);
    place.browse(title, url, glance(random, 120))
}

pub(super) fn review(place: &Place, random: &mut Random) -> Shot {
    let name = place.project.name;
    let number = random.between(40, 1_900);
    let change = random.pick(words::CHANGES);
    let length = glance(random, 130);
    if random.chance(250) {
        let url = format!("https://github.com/example-org/{name}/issues/{number}");
        return place.browse(
            &format!("{change} · Issue #{number} · example-org/{name} · GitHub"),
            &url,
            length,
        );
    }
    let part = random.pick(&["", "/files", "/commits", "/checks"]);
    let url = format!("https://github.com/example-org/{name}/pull/{number}{part}");
    let title = format!(
        "{change} by {} · Pull Request #{number} · example-org/{name} · GitHub",
        random.pick(words::HANDLES)
    );
    place.browse(&title, &url, length)
}

pub(super) fn reading(place: &Place, random: &mut Random) -> Shot {
    match random.between(0, 10) {
        0..4 => documentation(place, random),
        4..7 => question(place, random),
        _ => {
            let title = random.pick(words::ARTICLES);
            let url = format!("https://en.wikipedia.org/wiki/{}", title.replace(' ', "_"));
            place.browse(&format!("{title} - Wikipedia"), &url, glance(random, 240))
        }
    }
}
