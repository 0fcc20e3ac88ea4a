//! The factory's bench, on which a device gets its settings before it is ever powered.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use embedded_storage_async::nor_flash::{ErrorType, NorFlash as AsyncNorFlash, NorFlashErrorKind, ReadNorFlash};
use firmware::board::SETTINGS_SECTORS;
use firmware::settings::Settings;
use firmware::store::Own;

use simulator_parts::flash;

/// The bytes of [`SETTINGS_SECTORS`] as the firmware itself would have written them into a blank flash.
pub fn settings_sectors(settings: &Settings, own: &Own) -> Vec<u8> {
    let mut sectors = Factory(vec![0xFF; SETTINGS_SECTORS.len()]);
    ready(firmware::store::save_own(&mut sectors, own)).expect("blank sectors take a record");
    ready(firmware::store::save(&mut sectors, settings)).expect("blank sectors take the settings");
    sectors.0
}

/// The output of a future over [`Factory`], whose memory answers at once.
fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("memory answers at once"),
    }
}

/// The settings sectors on the factory's bench: no time passes, nothing wears.
struct Factory(Vec<u8>);

impl ErrorType for Factory {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Factory {
    const READ_SIZE: usize = flash::WORD as usize;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        let offset = offset as usize;
        let source = self.0.get(offset..offset + bytes.len()).ok_or(NorFlashErrorKind::OutOfBounds)?;
        bytes.copy_from_slice(source);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.0.len()
    }
}

impl AsyncNorFlash for Factory {
    const WRITE_SIZE: usize = flash::WORD as usize;
    const ERASE_SIZE: usize = flash::SECTOR as usize;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.0.get_mut(from as usize..to as usize).ok_or(NorFlashErrorKind::OutOfBounds)?.fill(0xFF);
        Ok(())
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let offset = offset as usize;
        let target = self.0.get_mut(offset..offset + bytes.len()).ok_or(NorFlashErrorKind::OutOfBounds)?;
        for (target, byte) in target.iter_mut().zip(bytes) {
            *target &= byte;
        }
        Ok(())
    }
}
