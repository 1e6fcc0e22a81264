//! The number of connections of a host and of one address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::limits::Limit;

/// The slots that connections take.
#[derive(Debug)]
pub(crate) struct ConnectionSlots {
    most: usize,
    taken: AtomicUsize,
    /// The maximum for one address, and the count of each address. Only addresses with a count above 0 are
    /// listed.
    of_address: Option<(usize, DashMap<IpAddr, usize>)>,
}

/// The address that a slot counts for, if addresses are counted. It is boxed because most slots have none.
pub(crate) type Counted = Option<Box<IpAddr>>;

/// A slot that is taken; it is released when this is dropped.
pub(crate) struct ConnectionSlot {
    /// `None` when the caller releases the slot.
    slots: Option<Arc<ConnectionSlots>>,
    address: Counted,
    is_socket: bool,
}

impl ConnectionSlot {
    /// Leaves it to the caller to [release the slot of a socket](ConnectionSlots::give_back). That saves a
    /// pointer for each socket.
    pub(crate) fn keep(mut self) -> Counted {
        self.slots = None;
        self.address.take()
    }
}

impl ConnectionSlots {
    pub(crate) fn new(most: usize, of_address: Option<usize>) -> Arc<Self> {
        let of_address = of_address.map(|most| (most, DashMap::new()));
        Arc::new(Self { most, taken: AtomicUsize::new(0), of_address })
    }

    /// Takes a slot for a socket.
    pub(crate) fn socket(self: &Arc<Self>, client: Option<IpAddr>) -> Result<ConnectionSlot, Limit> {
        let mut slot = self.request(client)?;
        if self.taken.fetch_add(1, Ordering::Relaxed) >= self.most {
            self.taken.fetch_sub(1, Ordering::Relaxed);
            return Err(Limit::Connections);
        }
        slot.is_socket = true;
        Ok(slot)
    }

    /// Takes a slot for a request, which counts only for its address.
    pub(crate) fn request(self: &Arc<Self>, client: Option<IpAddr>) -> Result<ConnectionSlot, Limit> {
        let mut address = None;
        if let (Some((most, counts)), Some(client)) = (&self.of_address, client) {
            let client = prefix(client);
            let mut count = counts.entry(client).or_insert(0);
            if *count >= *most {
                let unused = *count == 0;
                drop(count);
                if unused {
                    counts.remove_if(&client, |_, count| *count == 0);
                }
                return Err(Limit::ConnectionsPerAddress);
            }
            *count += 1;
            address = Some(Box::new(client));
        }
        Ok(ConnectionSlot { slots: Some(self.clone()), address, is_socket: false })
    }

    /// Returns the number of sockets that have a slot.
    #[cfg(test)]
    pub(crate) fn sockets(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Releases the slot of a socket.
    pub(crate) fn give_back(&self, address: Counted) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
        self.forget(address);
    }

    fn forget(&self, address: Counted) {
        if let (Some((_, counts)), Some(address)) = (&self.of_address, address)
            && let Entry::Occupied(mut count) = counts.entry(*address)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let address = self.address.take();
        match &self.slots {
            Some(slots) if self.is_socket => slots.give_back(address),
            Some(slots) => slots.forget(address),
            None => {}
        }
    }
}

impl fmt::Debug for ConnectionSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionSlot").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Returns the part of an address that counts as one client: an IPv6 client can choose from a whole network
/// of 64 bits.
pub(crate) fn prefix(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn places_are_taken_and_given_back() {
        let slots = ConnectionSlots::new(2, Some(2));
        let first = slots.socket(ip("10.0.0.1")).unwrap();
        let request = slots.request(ip("::ffff:10.0.0.1")).unwrap();
        assert_eq!(slots.socket(ip("10.0.0.1")).unwrap_err(), Limit::ConnectionsPerAddress);
        let second = slots.socket(None).unwrap();
        assert_eq!(slots.socket(ip("10.0.0.2")).unwrap_err(), Limit::Connections);
        drop((first, request, second));
        let (_, counts) = slots.of_address.as_ref().unwrap();
        assert!(counts.is_empty(), "no entry remains after the release");
        assert_eq!(slots.taken.load(Ordering::Relaxed), 0);
        assert!(slots.socket(ip("10.0.0.2")).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let slots = ConnectionSlots::new(9, Some(1));
        let _first = slots.socket(ip("2001:db8:1:2::1")).unwrap();
        assert!(slots.socket(ip("2001:db8:1:2:ffff::9")).is_err());
        assert!(slots.socket(ip("2001:db8:1:3::1")).is_ok());
    }
}
