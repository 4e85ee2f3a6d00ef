//! The picture of the icon, for trays that know no icon of the name `timberline`.

/// The width and height.
const SIZE: i32 = 22;

/// A picture: width, height, and the pixels as alpha, red, green, blue.
pub(super) type Pixmap = (i32, i32, Vec<u8>);

/// A colour of the icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    /// It records.
    Recording,
    /// It is paused.
    Paused,
    /// Something is wrong.
    Alarm,
}

/// A tree on transparent ground.
pub(super) fn pixmap(mood: Mood) -> Pixmap {
    let colour: [u8; 3] = match mood {
        Mood::Recording => [0x2e, 0xa0, 0x6a],
        Mood::Paused => [0x8a, 0x8f, 0x98],
        Mood::Alarm => [0xd6, 0x45, 0x45],
    };
    let mut pixels = Vec::new();
    for y in 0..SIZE {
        for x in 0..SIZE {
            let alpha = if is_tree(x, y) { 0xff } else { 0 };
            pixels.push(alpha);
            pixels.extend(colour);
        }
    }
    (SIZE, SIZE, pixels)
}

/// Two triangles, one above the other, and a trunk.
fn is_tree(x: i32, y: i32) -> bool {
    let from_middle = (2 * x - (SIZE - 1)).abs();
    let crown = |top: i32, bottom: i32| (top..bottom).contains(&y) && from_middle <= 2 * (y - top) + 1;
    crown(1, 10) || crown(7, 17) || (17..21).contains(&y) && from_middle <= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_icon_is_complete_and_partly_transparent() {
        let (width, height, pixels) = pixmap(Mood::Recording);
        assert_eq!(
            pixels.len(),
            usize::try_from(4 * width * height).expect("positive")
        );
        let visible = pixels.chunks(4).filter(|pixel| pixel[0] > 0).count();
        assert!((50..400).contains(&visible), "{visible}");
        assert_ne!(pixmap(Mood::Alarm), pixmap(Mood::Paused));
    }
}
