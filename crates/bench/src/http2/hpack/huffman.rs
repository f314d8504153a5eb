//! The Huffman code of header strings (RFC 7541, appendix B).

use std::sync::LazyLock;

use super::super::ProtocolError;

/// Bits of the longest code.
const BITS_MAX: usize = 30;

/// The symbol that ends a text, and may not stand in it.
const END: usize = 256;

/// Bits of the code of each symbol. The code is canonical: of each length, codes follow one another in the order of the symbols.
#[rustfmt::skip]
const BITS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// The symbols of each length, and the first code among them.
struct Code {
    first: [u32; BITS_MAX + 1],
    symbols: [Vec<u16>; BITS_MAX + 1],
}

static CODE: LazyLock<Code> = LazyLock::new(|| {
    let mut symbols: [Vec<u16>; BITS_MAX + 1] = Default::default();
    for (symbol, bits) in (0_u16..).zip(BITS) {
        symbols[usize::from(bits)].push(symbol);
    }
    let mut first = [0; BITS_MAX + 1];
    let mut code = 0;
    for (bits, of_length) in symbols.iter().enumerate() {
        code <<= 1;
        first[bits] = code;
        code += u32::try_from(of_length.len()).unwrap_or(u32::MAX);
    }
    Code { first, symbols }
});

/// Appends the text of these bytes.
pub(super) fn decode(bytes: &[u8], text: &mut Vec<u8>) -> Result<(), ProtocolError> {
    let code = &*CODE;
    let (mut value, mut bits) = (0_u32, 0_usize);
    for byte in bytes {
        for place in (0..8).rev() {
            value = value << 1 | u32::from(byte >> place & 1);
            bits += 1;
            let (Some(first), Some(symbols)) = (code.first.get(bits), code.symbols.get(bits))
            else {
                return Err(ProtocolError("a header string of no code"));
            };
            let found = value
                .checked_sub(*first)
                .and_then(|at| symbols.get(at as usize));
            if let Some(&symbol) = found {
                // The end is no byte.
                let Ok(symbol) = u8::try_from(symbol) else {
                    return Err(ProtocolError("the end in the middle of a header string"));
                };
                text.push(symbol);
                (value, bits) = (0, 0);
            }
        }
    }
    // What fills the last byte is the beginning of the end's code: ones, fewer than eight.
    if bits >= 8 || value != (1 << bits) - 1 {
        return Err(ProtocolError("a header string with wrong padding"));
    }
    debug_assert_eq!(BITS.len(), END + 1);
    Ok(())
}
