import { describe, expect, it } from '@jest/globals'
import { buildElf } from './elf-builder.js'
import { parseElf, readElf, type ElfFile } from './elf.js'

function parse(bytes: Buffer): ElfFile | undefined {
  return parseElf((offset, length) => bytes.subarray(offset, offset + length))
}

describe('parseElf()', () => {
  it('reads loader, libraries and folders', () => {
    const bytes = buildElf({
      machine: 183,
      interpreter: '/lib/ld.so',
      needed: ['libone.so', 'libtwo.so.2'],
      runpath: '/opt/a:$ORIGIN/../lib',
    })
    expect(parse(bytes)).toEqual({
      machine: 183,
      interpreter: '/lib/ld.so',
      needed: ['libone.so', 'libtwo.so.2'],
      rpath: [],
      runpath: ['/opt/a', '$ORIGIN/../lib'],
    })
  })

  it('takes a static program as one that needs nothing', () => {
    expect(parse(buildElf({}))).toMatchObject({ interpreter: undefined, needed: [] })
  })

  it.each([
    ['an empty file', Buffer.alloc(0)],
    ['a script', Buffer.from('#!/bin/sh\n'.padEnd(100))],
    ['a 32-bit program', Buffer.from(buildElf({})).fill(1, 4, 5)],
  ])('says that %s is none', (_, bytes) => {
    expect(parse(bytes)).toBeUndefined()
  })

  it('reads what is there of a file that was cut anywhere', () => {
    const bytes = buildElf({ interpreter: '/lib/ld.so', needed: ['libone.so'], rpath: '/opt' })
    for (let length = 0; length < bytes.length; length++) {
      expect(() => parse(bytes.subarray(0, length))).not.toThrow()
    }
  })
})

describe('readElf()', () => {
  it('reads the program that runs this test', () => {
    expect(readElf(process.execPath)?.machine).toBe(process.arch === 'arm64' ? 183 : 62)
  })
})
