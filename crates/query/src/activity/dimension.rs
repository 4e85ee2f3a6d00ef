//! What time is added up by.

use super::definition::Source;

/// What time is added up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// The application in front.
    App,
    /// The title of its window.
    Title,
    /// The category.
    Category,
    /// The domain of the page in front.
    Domain,
    /// Its URL.
    Url,
    /// The editor's project.
    Project,
    /// The editor's file.
    File,
    /// The programming language.
    Language,
    /// The bucket that said so.
    Bucket,
    /// The device.
    Device,
}

impl Dimension {
    /// Its name in requests and answers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Dimension> {
        Some(match text {
            "app" => Dimension::App,
            "title" => Dimension::Title,
            "category" => Dimension::Category,
            "domain" => Dimension::Domain,
            "url" => Dimension::Url,
            "project" => Dimension::Project,
            "file" => Dimension::File,
            "language" => Dimension::Language,
            "bucket" => Dimension::Bucket,
            "device" => Dimension::Device,
            _ => return None,
        })
    }

    /// Which events are added up.
    #[must_use]
    pub fn source(self) -> Source {
        match self {
            Dimension::Domain | Dimension::Url => Source::Browser,
            Dimension::Project | Dimension::File | Dimension::Language => Source::Editor,
            _ => Source::Activity,
        }
    }

    /// The dimensions that the same spans can be added up by, itself first: while they are there, the sums by the others
    /// cost little.
    pub(super) fn with_companions(self) -> impl Iterator<Item = Dimension> {
        let all: &[Dimension] = match self.source() {
            Source::Activity => &[Dimension::Category, Dimension::App, Dimension::Title],
            Source::Browser => &[Dimension::Domain, Dimension::Url],
            Source::Editor => &[Dimension::Project, Dimension::Language],
        };
        let others = all.iter().copied().filter(move |other| *other != self);
        [self].into_iter().chain(others)
    }

    /// Whether it has very many groups: a day of a busy person has a thousand titles.
    pub(super) fn has_many_groups(self) -> bool {
        matches!(self, Dimension::Title | Dimension::Url | Dimension::File)
    }

    /// The member of data; none for what is computed of it, or what the bucket says.
    pub(super) fn key(self) -> Option<&'static str> {
        Some(match self {
            Dimension::App => "app",
            Dimension::Title => "title",
            Dimension::Category => "$category",
            Dimension::Url => "url",
            Dimension::Project => "project",
            Dimension::File => "file",
            Dimension::Language => "language",
            Dimension::Domain | Dimension::Bucket | Dimension::Device => return None,
        })
    }
}
