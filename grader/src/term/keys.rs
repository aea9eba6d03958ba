//! Single keys, read as they are pressed; the terminal is put back on every way out.

use std::{
    io::{self, IsTerminal as _, Read as _},
    thread,
};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};

/// Reads keys from the terminal until it is dropped. Ctrl-C and Ctrl-Z do what they always do.
pub struct Keys {
    before: Termios,
}

impl Keys {
    /// Starts to read keys, each given to `pressed`. `None` where there is no terminal to read from, or
    /// somebody else is reading from it.
    pub fn read(pressed: impl Fn(char) + Send + 'static) -> Option<Self> {
        let input = io::stdin();
        // In the background, touching the terminal would stop us.
        let in_front = tcgetpgrp(&input).is_ok_and(|group| group == rustix::process::getpgrp());
        if !input.is_terminal() || !in_front {
            return None;
        }
        let keys = Self { before: tcgetattr(&input).ok()? };
        keys.take().ok()?;
        // It waits for a key for as long as the process lives: nothing else may read in its place.
        thread::spawn(move || {
            let mut input = io::stdin().lock();
            let mut byte = [0];
            while let Ok(1) = input.read(&mut byte) {
                pressed(char::from(byte[0]));
            }
        });
        Some(keys)
    }

    /// Takes the terminal: keys come at once, and are not shown.
    pub fn take(&self) -> io::Result<()> {
        let mut mode = self.before.clone();
        mode.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
        mode.special_codes[SpecialCodeIndex::VMIN] = 1;
        mode.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(io::stdin(), OptionalActions::Now, &mode)?)
    }

    /// Puts the terminal back as it was.
    pub fn put_back(&self) {
        // One that went away needs nothing put back.
        let _back = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.put_back();
    }
}
