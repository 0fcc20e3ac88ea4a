//! The sensor's bus as `dht-sensor` sees it: the pin and the delay, with one addition.
//!
//! The driver looks away for 48 us after it has let go of the line, waits until it is high and then until it is low. A
//! sensor that responds later than that (in the field 4 to 8 of a hundred responses of some,
//! adafruit/DHT-sensor-library#124; the AM2302's data sheet allows 200 us) makes it take the response for the first bit
//! and each bit for the next. So the bus itself waits for the response, and only then lets the driver go on: 48 us into
//! the response it is low still, or high already, and from both the driver finds the first bit.
//!
//! Not done: telling the response from a disturbance; the checksum does that.

use core::cell::RefCell;

use embassy_time::{Duration, Instant};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};

/// How long the line may take to rise after it was let go, in looks at it 1 us apart.
const RISE: u8 = 15;
/// How long a response is waited for: five times what the data sheet allows.
const PATIENCE: Duration = Duration::from_millis(1);

/// The bus, for one request.
pub(super) struct Bus<'a, P, D> {
    parts: RefCell<Parts<'a, P, D>>,
}

struct Parts<'a, P, D> {
    pin: &'a mut P,
    delay: &'a mut D,
    response: Option<Duration>,
}

impl<'a, P: InputPin + OutputPin, D: DelayNs> Bus<'a, P, D> {
    pub(super) fn new(pin: &'a mut P, delay: &'a mut D) -> Self {
        Self { parts: RefCell::new(Parts { pin, delay, response: None }) }
    }

    /// Both ends as the driver wants them.
    pub(super) fn ends(&self) -> (Line<'_, 'a, P, D>, Wait<'_, 'a, P, D>) {
        (Line(self), Wait(self))
    }

    /// How long after the release the sensor responded, if it did.
    pub(super) fn response(&self) -> Option<Duration> {
        self.parts.borrow().response
    }
}

impl<P: InputPin, D: DelayNs> Parts<'_, P, D> {
    fn await_response(&mut self) -> Result<(), P::Error> {
        let released = Instant::now();
        // A line that does not rise has a sensor on it that is quick.
        for _ in 0..RISE {
            if self.pin.is_high()? {
                break;
            }
            self.delay.delay_us(1);
        }
        while released.elapsed() < PATIENCE {
            if self.pin.is_low()? {
                self.response = Some(released.elapsed());
                break;
            }
            self.delay.delay_us(1);
        }
        Ok(())
    }
}

/// The driver's pin.
pub(super) struct Line<'b, 'a, P, D>(&'b Bus<'a, P, D>);

impl<P: ErrorType, D> ErrorType for Line<'_, '_, P, D> {
    type Error = P::Error;
}

impl<P: InputPin, D> InputPin for Line<'_, '_, P, D> {
    fn is_high(&mut self) -> Result<bool, P::Error> {
        self.0.parts.borrow_mut().pin.is_high()
    }

    fn is_low(&mut self) -> Result<bool, P::Error> {
        self.0.parts.borrow_mut().pin.is_low()
    }
}

impl<P: InputPin + OutputPin, D: DelayNs> OutputPin for Line<'_, '_, P, D> {
    fn set_low(&mut self) -> Result<(), P::Error> {
        self.0.parts.borrow_mut().pin.set_low()
    }

    /// The end of the start pulse.
    fn set_high(&mut self) -> Result<(), P::Error> {
        let mut parts = self.0.parts.borrow_mut();
        parts.pin.set_high()?;
        parts.await_response()
    }
}

/// The driver's delay.
pub(super) struct Wait<'b, 'a, P, D>(&'b Bus<'a, P, D>);

impl<P, D: DelayNs> DelayNs for Wait<'_, '_, P, D> {
    fn delay_ns(&mut self, nanoseconds: u32) {
        self.0.parts.borrow_mut().delay.delay_ns(nanoseconds);
    }

    fn delay_us(&mut self, microseconds: u32) {
        self.0.parts.borrow_mut().delay.delay_us(microseconds);
    }

    /// The start pulse, the only wait that the driver counts in milliseconds. It is over: the line is low already.
    fn delay_ms(&mut self, _milliseconds: u32) {}
}
