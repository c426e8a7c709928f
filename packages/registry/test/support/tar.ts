/** A tar archive (ustar) with one regular file, as an image's layer. */
export async function* tarOf(name: string, content: Uint8Array): AsyncGenerator<Uint8Array> {
  const header = Buffer.alloc(512)
  header.write(name, 0, 100)
  header.write('0000644\0', 100)
  header.write('0000000\0', 108)
  header.write('0000000\0', 116)
  header.write(`${content.byteLength.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0', 136)
  header.write('        0', 148)
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  yield await Promise.resolve(header)
  yield content
  yield Buffer.alloc(((512 - (content.byteLength % 512)) % 512) + 1024)
}
