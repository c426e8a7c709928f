/**
 * A name as the kernel sees it: bytes, in a string with one character a byte. Names of Linux files need not
 * be UTF-8, and a layer must be unpacked byte for byte; strings stay comparable, and usable as map keys.
 */
export type ByteString = string

/** The bytes of a byte string. */
export function bytesOf(name: ByteString): Buffer {
  return Buffer.from(name, 'latin1')
}

/** The byte string of some bytes. */
export function byteString(bytes: Uint8Array): ByteString {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** The byte string of a text, as UTF-8. */
export function byteStringOf(text: string): ByteString {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** A byte string for people and for messages: as UTF-8, control characters shown, at most 200 characters. */
export function readable(name: ByteString): string {
  const text = JSON.stringify(bytesOf(name).toString('utf8')).slice(1, -1)
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}

/** A byte string as an argument of a system call. */
export function kernelString(name: ByteString): string | Uint8Array {
  // ASCII is the same in UTF-8, which strings are handed over as
  return /[\u0080-\u00ff]/.test(name) ? Buffer.concat([bytesOf(name), Buffer.alloc(1)]) : name
}
