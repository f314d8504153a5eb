use proptest::prelude::*;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn headers(decoder: &mut Decoder, hex: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let see = |name: &[u8], value: &[u8]| found.push((text(name), text(value)));
    decoder.decode(&bytes(hex), see).unwrap();
    found
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn integers_are_those_of_the_rfc() {
    // RFC 7541, C.1.
    for (bits, value, hex) in [(5, 10, "0a"), (5, 1337, "1f9a0a"), (8, 42, "2a")] {
        let mut out = Vec::new();
        put_integer(&mut out, 0, bits, value);
        assert_eq!(out, bytes(hex));
        assert_eq!(integer(&mut &out[..], bits), Ok(value));
    }
    assert!(integer(&mut &bytes("1fffffffffffff7f")[..], 5).is_err());
    assert!(integer(&mut &bytes("1f9a")[..], 5).is_err());
}

#[test]
fn requests_without_huffman_are_those_of_the_rfc() {
    // RFC 7541, C.3.
    let mut decoder = Decoder::new(4096);
    let first = headers(
        &mut decoder,
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
    );
    let begin = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "www.example.com"),
    ];
    assert_eq!(first, pairs(&begin));
    let second = headers(&mut decoder, "8286 84be 5808 6e6f 2d63 6163 6865");
    assert_eq!(
        second,
        pairs(&[&begin[..], &[("cache-control", "no-cache")]].concat())
    );
    let third = headers(
        &mut decoder,
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    );
    let wanted = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/index.html"),
        (":authority", "www.example.com"),
        ("custom-key", "custom-value"),
    ];
    assert_eq!(third, pairs(&wanted));
    assert_eq!(decoder.size, 164);
}

#[test]
fn requests_with_huffman_are_those_of_the_rfc() {
    // RFC 7541, C.4.
    let mut decoder = Decoder::new(4096);
    headers(&mut decoder, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff");
    headers(&mut decoder, "8286 84be 5886 a8eb 1064 9cbf");
    let third = headers(
        &mut decoder,
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    );
    let wanted = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/index.html"),
        (":authority", "www.example.com"),
        ("custom-key", "custom-value"),
    ];
    assert_eq!(third, pairs(&wanted));
}

#[test]
fn answers_that_evict_are_those_of_the_rfc() {
    // RFC 7541, C.6: a table of 256 bytes.
    let mut decoder = Decoder::new(256);
    let first = headers(
        &mut decoder,
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
    );
    let wanted = [
        (":status", "302"),
        ("cache-control", "private"),
        ("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
        ("location", "https://www.example.com"),
    ];
    assert_eq!(first, pairs(&wanted));
    assert_eq!(decoder.size, 222);
    let second = headers(&mut decoder, "4883 640e ffc1 c0bf");
    assert_eq!(second[0], (":status".to_owned(), "307".to_owned()));
    assert_eq!(second[1..], first[1..]);
    let third = headers(
        &mut decoder,
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    );
    assert_eq!(third[0], (":status".to_owned(), "200".to_owned()));
    assert_eq!(third[4], ("content-encoding".to_owned(), "gzip".to_owned()));
    assert!(
        third[5]
            .1
            .starts_with("foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600")
    );
    assert_eq!(decoder.size, 215);
}

#[test]
fn what_no_table_allows_is_refused() {
    let mut none = Decoder::new(0);
    // A table of none is allowed, and empties nothing that is there.
    assert_eq!(headers(&mut none, "20 88"), pairs(&[(":status", "200")]));
    let refused =
        |decoder: &mut Decoder, hex: &str| decoder.decode(&bytes(hex), |_, _| {}).unwrap_err();
    for wrong in [
        "be",
        "80",
        "3fe10f",
        "8820",
        "40",
        "0001",
        "00017885",
        "41ff",
        "00 81 ff 00",
    ] {
        refused(&mut none, wrong);
    }
    // With a table of none, what is to be kept is not.
    headers(&mut none, "4001 7801 79");
    refused(&mut none, "be");
    let mut block = vec![0x40, 1, b'x', 0x7f, 0x81, 0x07];
    block.resize(block.len() + 1024, b'y');
    let mut bomb = block.clone();
    bomb.resize(bomb.len() + 100, 0xbe);
    assert!(Decoder::new(4096).decode(&bomb, |_, _| {}).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(block in proptest::collection::vec(any::<u8>(), 0..200), limit in 0_usize..300) {
        let mut decoder = Decoder::new(limit);
        let mut total = 0;
        let _ = decoder.decode(&block, |name, value| total += name.len() + value.len());
        prop_assert!(total <= HEADERS_BYTES_MAX);
        prop_assert!(decoder.size <= limit);
    }

    #[test]
    fn integers_are_read_as_they_are_written(value in 0_usize..(1 << 28), bits in 4_u8..8) {
        let mut out = Vec::new();
        put_integer(&mut out, 0, bits, value);
        let mut rest = &out[..];
        prop_assert_eq!(integer(&mut rest, bits), Ok(value));
        prop_assert!(rest.is_empty());
    }
}
