import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { sealedMemory } from './memory-files.js'

describe('sealedMemory()', () => {
  it('holds its bytes, and nobody changes them', () => {
    using memory = sealedMemory('ctr-test', Buffer.from('hello'))
    const path = `/proc/self/fd/${memory.number}`
    expect(readFileSync(path, 'utf8')).toBe('hello')
    const again = openSync(path, 'r+')
    try {
      expect(() => writeSync(again, 'x', 0)).toThrow('EPERM')
      expect(() => writeSync(again, 'x', 5)).toThrow('EPERM')
    } finally {
      closeSync(again)
    }
  })
})
