//! In a file of their own, since the model checker compiles `inlet.rs` with primitives that exist only in a model.

use bytes::BytesMut;

use super::inlet::{Ending, Inlet, Taken};
use crate::error::Status;
use crate::process::Exit;

#[test]
fn everything_pushed_comes_out_in_order_whatever_the_sizes() {
    let inlet = Inlet::new(64 << 20);
    let (mut seen, mut sent) = (Vec::new(), Vec::new());
    let mut buffer = BytesMut::new();
    for size in (0..300).map(|step| step * step * 7 % 70_001) {
        let chunk: Vec<u8> = (0..size).map(|at| (at + size) as u8).collect();
        inlet.push(&chunk).unwrap();
        sent.extend(chunk);
        if size % 3 == 0 {
            while matches!(inlet.take(&mut buffer), Taken::Some { .. }) {}
            seen.extend_from_slice(&buffer.split_to(buffer.len() / 2));
        }
    }
    inlet.end(Ending::new(0, 0, "")).unwrap();
    while inlet.take(&mut buffer) != Taken::End {}
    seen.extend_from_slice(&buffer);
    assert!(seen == sent, "{} bytes of {}", seen.len(), sent.len());
}

#[test]
fn a_full_inlet_refuses_and_tells_of_room_once() {
    let inlet = Inlet::new(2 << 20);
    let chunk = vec![b'x'; 1 << 20];
    assert!(inlet.has_room());
    inlet.push(&chunk).unwrap();
    assert!(!inlet.has_room());
    inlet.push(&chunk).unwrap();
    assert_eq!(inlet.push(b"x").unwrap_err().status, Status::WouldBlock);
    let mut told = 0;
    let mut taken = BytesMut::new();
    while let Taken::Some { room } = inlet.take(&mut taken) {
        told += usize::from(room);
    }
    assert_eq!((told, taken.len()), (1, 2 << 20));
    assert!(inlet.has_room());
}

#[test]
fn after_the_end_nothing_is_taken_but_what_was_pushed_comes() {
    let inlet = Inlet::new(1);
    inlet.push(b"last").unwrap();
    inlet.end(Ending::new(-205, -1, "gone")).unwrap();
    assert_eq!(inlet.push(b"x").unwrap_err().status, Status::Closed);
    assert_eq!(inlet.end(Ending::new(0, 0, "")).unwrap_err().status, Status::Closed);
    let mut buffer = BytesMut::new();
    assert_eq!(inlet.take(&mut buffer), Taken::Some { room: false });
    assert_eq!(buffer, &b"last"[..]);
    assert_eq!(inlet.take(&mut buffer), Taken::End);
    assert_eq!(inlet.ending().unwrap().cause.unwrap().message, "gone");
}

#[test]
fn numbers_of_an_end() {
    assert_eq!(Ending::new(0, 0, "").exit, Exit::Code(0));
    assert_eq!(Ending::new(0, -1, "").exit, Exit::Code(0));
    assert_eq!(Ending::new(0, 3, "").exit, Exit::Code(3));
    assert_eq!(Ending::new(-205, 3, "").exit, Exit::Code(3));
    let named = Ending::new(-301, -1, "").cause.unwrap();
    assert_eq!(named.status, Status::Timeout);
    assert!(named.message.contains("CLAUDE_ERR_TIMEOUT"), "{}", named.message);
    let unknown = Ending::new(-7, -1, "").cause.unwrap();
    assert_eq!(unknown.status, Status::CliConnection);
    assert_eq!(unknown.detail("host_status"), Some(&(-7).into()));
}
