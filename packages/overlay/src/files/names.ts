import { out, syscall } from '@ctr/linux'
import { byteString, type ByteString } from './byte-string.js'

const SEEK_SET = 0
const bufferSize = 16384

/**
 * Names in an open folder, as bytes, read piece by piece (getdents64(2)). Through the descriptor itself, so that
 * nobody is asked for permission again.
 *
 * @param folder - Opened to be read. Its position is changed.
 */
export function* names(folder: number): Generator<ByteString> {
  syscall('lseek', folder, 0, SEEK_SET)
  const buffer = Buffer.alloc(bufferSize)
  for (;;) {
    const length = syscall('getdents64', folder, out(buffer), bufferSize)
    if (length === 0) return
    // struct linux_dirent64: inode, offset, length of the record, type, name that ends in NUL
    const piece = Buffer.from(buffer.subarray(0, length)) // whoever takes a name may list another folder meanwhile
    for (let at = 0; at < length; at += piece.readUInt16LE(at + 16)) {
      const name = byteString(piece.subarray(at + 19, piece.indexOf(0, at + 19)))
      if (name !== '.' && name !== '..') yield name
    }
  }
}
