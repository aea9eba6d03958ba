//! Medians and spreads, and what they say of a bar.

/// The middle of some numbers, and its neighbourhood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// A quarter lies below.
    pub low: f64,
    /// Half lies below.
    pub median: f64,
    /// A quarter lies above.
    pub high: f64,
}

impl Spread {
    /// The quartiles of some numbers.
    pub fn of(mut numbers: Vec<f64>) -> Self {
        assert!(!numbers.is_empty(), "nothing was measured");
        numbers.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let place = share * (numbers.len() - 1) as f64;
            let (below, above) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Self { low: at(0.25), median: at(0.5), high: at(0.75) }
    }

    /// The value that this share of the numbers does not exceed.
    pub fn percentile(mut numbers: Vec<f64>, share: f64) -> f64 {
        numbers.sort_by(f64::total_cmp);
        numbers[((numbers.len() as f64 * share).ceil() as usize).clamp(1, numbers.len()) - 1]
    }

    /// What it says of a bar that it must not exceed.
    pub fn against(self, bar: f64) -> Finding {
        if self.high <= bar {
            Finding::Met
        } else if self.low > bar {
            Finding::Missed
        } else {
            Finding::Unclear
        }
    }
}

/// Whether a bar is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is, in the middle half of all measurements.
    Met,
    /// It is not.
    Missed,
    /// The middle half lies on both sides.
    Unclear,
}

impl Finding {
    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Unclear => "unclear",
        }
    }
}
