//! Windows: what may be sent when.

use super::*;

/// Data frames as stream, length and whether they are the last.
fn data(connection: &mut Connection) -> Vec<(u32, usize, bool)> {
    let frames = written(connection)
        .into_iter()
        .filter(|frame| frame.0 == kind::DATA);
    frames
        .map(|(_, flags, stream, payload)| (stream, payload.len(), flags & flag::END_STREAM != 0))
        .collect()
}

#[test]
fn values_of_a_megabyte_wait_for_windows_and_arrive_whole() {
    let mut connection = connection(3);
    received(&mut connection, &Server::default().settings(&[]).take());
    for client in 0..3 {
        connection.call(client, Rpc::Put, &put(1 << 20)).unwrap();
    }
    let whole = 5 + 5 + 4 + (1 << 20);
    let (mut sent, mut bytes) = ([0; 3], Vec::new());
    let mut server = Server::default();
    let mut turns = 0;
    while sent.iter().any(|sent| *sent < whole) {
        turns += 1;
        assert!(turns < 2_000);
        let frames = data(&mut connection);
        let taken: usize = frames.iter().map(|frame| frame.1).sum();
        assert!(
            taken <= 65_535,
            "never more than the window of the connection"
        );
        for (stream, length, is_last) in frames {
            assert!(length <= PAYLOAD_BYTES_MAX);
            let place = stream as usize / 2;
            sent[place] += length;
            assert_eq!(is_last, sent[place] == whole);
            server.number(kind::WINDOW_UPDATE, stream, u32::try_from(length).unwrap());
            bytes.push(place);
        }
        server.number(kind::WINDOW_UPDATE, 0, u32::try_from(taken).unwrap());
        received(&mut connection, &server.take());
    }
    assert_eq!(sent, [whole; 3]);
    // They take turns: the last to begin is not the last to get a frame.
    assert!(bytes[..12].contains(&2));
    let answers = server.answer(1, &[]).answer(3, &[]).answer(5, &[]).take();
    assert_eq!(received(&mut connection, &answers).len(), 3);
}

#[test]
fn settings_change_windows_of_streams_that_are_open_even_below_nothing() {
    let mut connection = connection(2);
    received(
        &mut connection,
        &Server::default()
            .settings(&[(setting::INITIAL_WINDOW_SIZE, 1_000)])
            .take(),
    );
    written(&mut connection);
    connection.call(0, Rpc::Put, &put(5_000)).unwrap();
    assert_eq!(data(&mut connection), [(1, 1_000, false)]);
    let mut server = Server::default();
    received(
        &mut connection,
        &server
            .settings(&[(setting::INITIAL_WINDOW_SIZE, 100)])
            .take(),
    );
    received(
        &mut connection,
        &server.number(kind::WINDOW_UPDATE, 1, 900).take(),
    );
    assert_eq!(data(&mut connection), []);
    received(
        &mut connection,
        &server.number(kind::WINDOW_UPDATE, 1, 1).take(),
    );
    assert_eq!(data(&mut connection), [(1, 1, false)]);
    received(
        &mut connection,
        &server
            .settings(&[(setting::INITIAL_WINDOW_SIZE, 65_535)])
            .take(),
    );
    let length = 5 + 5 + 3 + 5_000;
    assert_eq!(data(&mut connection), [(1, length - 1_001, true)]);
}

#[test]
fn a_larger_frame_and_fewer_streams_are_honoured() {
    let mut connection = connection(5);
    let settings = [
        (setting::MAX_CONCURRENT_STREAMS, 2),
        (setting::MAX_FRAME_SIZE, 40_000),
    ];
    received(
        &mut connection,
        &Server::default().settings(&settings).take(),
    );
    assert!(connection.call(0, Rpc::Put, &put(30_000)).is_some());
    assert!(connection.call(1, Rpc::Put, &put(1)).is_some());
    assert_eq!(connection.call(2, Rpc::Put, &put(1)), None);
    assert_eq!(data(&mut connection)[0].1, 30_000 + 5 + 5 + 4);
    received(&mut connection, &Server::default().answer(3, &[]).take());
    assert!(connection.may_call() && connection.call(2, Rpc::Put, &put(1)).is_some());
}

#[test]
fn who_sends_much_hears_that_there_is_room_again() {
    let mut connection = calling(1);
    let mut server = Server::default();
    server.begin(1).data(1, &vec![7; 3 << 20]).end(1, "0", "");
    let bytes = server.take();
    let answered: Vec<_> = bytes
        .chunks(100_000)
        .flat_map(|part| received(&mut connection, part))
        .collect();
    assert_eq!(answered, [(0, format!("answered {}", 3 << 20))]);
    let updates = written(&mut connection)
        .into_iter()
        .filter(|frame| frame.0 == kind::WINDOW_UPDATE);
    let room: u32 = updates.map(|frame| frame::number(&frame.3).unwrap()).sum();
    assert!(((2 << 20)..=(3 << 20) + 5).contains(&room), "{room}");
}
