/** Machine code of `for (;;) pause()`; see pause(2), and ppoll(2) where there is no pause. */
const code: Readonly<Record<string, { readonly machine: number; readonly bytes: string }>> = {
  // mov eax, 34; syscall; jmp to the first
  x64: { machine: 62, bytes: 'b822000000' + '0f05' + 'ebf7' },
  // mov x0..x4, 0; mov x8, 73; svc 0; b to the first: little-endian words
  arm64: {
    machine: 183,
    bytes:
      '000080d2' + '010080d2' + '020080d2' + '030080d2' + '040080d2' + '280980d2' + '010000d4' + 'f9ffff17',
  },
}

const address = 0x400000
const headers = 64 + 56

/**
 * The smallest program that waits for ever: an ELF file of about 130 bytes that needs nothing else.
 *
 * @throws Error on other processors than x86-64 and arm64.
 */
export function staticSleeper(architecture: string = process.arch): Buffer {
  const known = code[architecture]
  if (known === undefined)
    throw new Error(`cannot make a program for ${architecture}: x64 and arm64 are known`)
  const instructions = Buffer.from(known.bytes, 'hex')
  const elf = Buffer.alloc(headers + instructions.length)
  elf.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]) // 64-bit, little-endian
  elf.writeUInt16LE(2, 16) // an executable
  elf.writeUInt16LE(known.machine, 18)
  elf.writeUInt32LE(1, 20)
  elf.writeBigUInt64LE(BigInt(address + headers), 24) // where it begins
  elf.writeBigUInt64LE(64n, 32) // the program header follows
  elf.writeUInt16LE(64, 52)
  elf.writeUInt16LE(56, 54)
  elf.writeUInt16LE(1, 56)
  elf.writeUInt32LE(1, 64) // PT_LOAD: all of the file,
  elf.writeUInt32LE(5, 68) // to be read and executed
  elf.writeBigUInt64LE(BigInt(address), 80)
  elf.writeBigUInt64LE(BigInt(address), 88)
  elf.writeBigUInt64LE(BigInt(elf.length), 96)
  elf.writeBigUInt64LE(BigInt(elf.length), 104)
  elf.writeBigUInt64LE(0x10000n, 112)
  instructions.copy(elf, headers)
  return elf
}
