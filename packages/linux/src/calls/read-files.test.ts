import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { readFiles } from './read-files.js'

describe('readFiles()', () => {
  it('reads each file from its beginning, as often as wanted', () => {
    using folder = temporaryFolder()
    const fds = ['one\n', '', 'caf\xe9 3\n'].map((text, index) => {
      const path = join(folder.path, String(index))
      writeFileSync(path, text, 'latin1')
      return openSync(path, 'r+')
    })
    try {
      const files = fds.map((fd) => ({ fd, room: 64 }))
      expect(readFiles(files)).toEqual(['one\n', '', 'caf\xe9 3\n'])
      writeFileSync(fds[1]!, 'two\n')
      expect(readFiles(files)).toEqual(['one\n', 'two\n', 'caf\xe9 3\n'])
    } finally {
      for (const fd of fds) closeSync(fd)
    }
    expect(readFiles([])).toEqual([])
  })

  it('leaves out what cannot be read and what may be longer than its room, and goes on', () => {
    const self = openSync('/proc/self/stat', 'r')
    const unreadable = openSync('/dev/null', 'w')
    try {
      const [cut, whole, bad, again] = readFiles([
        { fd: self, room: 5 },
        { fd: self, room: 4096 },
        { fd: unreadable, room: 64 },
        { fd: self, room: 4096 },
      ])
      expect([cut, bad]).toEqual([undefined, undefined])
      expect(whole).toContain(`${process.pid} (`)
      expect(again).toContain(`${process.pid} (`)
    } finally {
      closeSync(self)
      closeSync(unreadable)
    }
  })

  it('has room for many files', () => {
    const fd = openSync('/proc/self/comm', 'r')
    try {
      const texts = readFiles(Array.from({ length: 3000 }, () => ({ fd, room: 100 })))
      expect(new Set(texts).size).toBe(1)
      expect(texts[0]).toMatch(/^.+\n$/)
    } finally {
      closeSync(fd)
    }
  })
})
