//! Where a device takes itself to be: which channels it may use there.

/// A country, as the vendor's SDK has it (`wifi_set_country` of the Non-OS SDK).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Country {
    /// Channels 1 to 13, as in Europe.
    China,
    /// Channels 1 to 11.
    UnitedStates,
    /// Channels 1 to 14: where the vendor's drivers look until they are told another country (seen with those of SDK
    /// 2.2.0 and 3.0.6).
    #[default]
    Japan,
}

impl Country {
    /// Its word, and what that means.
    pub const fn row(self) -> (&'static str, Self, &'static str) {
        match self {
            Self::China => ("CN", self, "China: channels 1 to 13, as in Europe."),
            Self::UnitedStates => ("US", self, "The United States: channels 1 to 11."),
            Self::Japan => (
                "JP",
                self,
                "Japan: channels 1 to 14, where the vendor's drivers look until they are told another country.",
            ),
        }
    }

    /// The highest channel that may be used there.
    pub(super) fn highest_channel(self) -> u8 {
        match self {
            Self::China => 13,
            Self::UnitedStates => 11,
            Self::Japan => 14,
        }
    }
}
