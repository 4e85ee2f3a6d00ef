//! The rules in `docs/watchers.md` are rules.

use serde::Deserialize;
use timberline_watchers::window::{Front, PrivateWindows, Rule, Rules};

const PAGE: &str = include_str!("../../../../docs/watchers.md");

#[derive(Deserialize)]
struct File {
    rule: Vec<Rule>,
}

#[test]
fn the_rules_of_the_page_do_what_they_say() {
    let text = PAGE.split("```toml\n").nth(1).expect("rules").split("```").next();
    let file: File = toml::from_str(text.expect("an end")).expect("they are readable");
    let rules = Rules::new(PrivateWindows::default(), &file.rule).expect("they are good");
    let recorded = |app: &str, title: &str| {
        let (app, title) = (app.to_owned(), title.to_owned());
        rules.apply(Front { app, title }).map(|front| front.title)
    };
    assert_eq!(recorded("KeePassXC", "passwords"), None);
    assert_eq!(
        recorded("thunderbird", "Hello - Mozilla Thunderbird").as_deref(),
        Some("mail")
    );
    assert_eq!(
        recorded("foot", "⠙ npm install react").as_deref(),
        Some("npm install")
    );
    assert_eq!(recorded("foot", "vim").as_deref(), Some("vim"));
}
