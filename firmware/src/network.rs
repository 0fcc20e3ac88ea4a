//! How the application and the network stack are polled together.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use crate::own_frame;

/// Runs `application` to its end with `network`, the stack's runner, beside it.
///
/// Each pending TCP or UDP poll of `embassy-net` wakes the runner's waker. Under a common waker the two would therefore
/// wake each other for ever, so the runner gets a waker that does nothing: it is polled whenever the application is,
/// after it, and sees all that the application has asked for. What the runner then brings wakes the application through
/// the application's own wakers. The target must poll the firmware for frames, link changes and deadlines, which it
/// does anyhow.
///
/// Both come pinned, because a future that takes another by value holds it twice.
pub(crate) async fn drive<A: Future>(mut application: Pin<&mut A>, mut network: Pin<&mut impl Future>) -> A::Output {
    poll_fn(|context| {
        if let Poll::Ready(output) = own_frame::poll(application.as_mut(), context) {
            return Poll::Ready(output);
        }
        // The runner has no end.
        let _pending = network.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use embassy_net::StaticConfigV4;

    /// With the library's own limit only the first name server is ever asked, and a dead one silences the device.
    #[test]
    fn every_name_server_that_dhcp_names_is_used() {
        let named = |config: StaticConfigV4| config.dns_servers.capacity();
        let address = embassy_net::Ipv4Cidr::new(core::net::Ipv4Addr::LOCALHOST, 8);
        let most = named(StaticConfigV4 { address, gateway: None, dns_servers: heapless::Vec::new() });
        assert!(smoltcp::config::DNS_MAX_SERVER_COUNT >= most);
    }
}
