import { createRequire } from 'node:module'
import { describe, expect, it } from '@jest/globals'
import { loadLater } from './load-later.js'

function recording(): { readonly require: NodeJS.Require; readonly loaded: string[] } {
  const real = createRequire(import.meta.url)
  const loaded: string[] = []
  const require = ((id: string): unknown => {
    loaded.push(id)
    return real(id)
  }) as NodeJS.Require
  return { require, loaded }
}

describe('loadLater()', () => {
  it('loads a costly module once, when something of it is used', () => {
    const { require, loaded } = recording()
    const later = loadLater(require)
    const crypto = later('node:crypto') as typeof import('node:crypto')
    expect(later('node:crypto')).toBe(crypto)
    expect(loaded).toEqual([])
    expect(crypto.createHash('sha256').update('').digest('hex')).toMatch(/^e3b0c442/)
    expect(crypto.randomBytes(3)).toHaveLength(3)
    expect(loaded).toEqual(['node:crypto'])
  })

  it('loads other modules at once', () => {
    const { require, loaded } = recording()
    expect(loadLater(require)('node:path')).toBe(require('node:path'))
    expect(loaded).toEqual(['node:path', 'node:path'])
  })

  it('gives classes that can be extended', () => {
    const { Transform } = loadLater(recording().require)('node:stream') as typeof import('node:stream')
    class Mine extends Transform {}
    expect(new Mine()).toBeInstanceOf(Transform)
  })

  it('can be copied, as compilers do for a default import', () => {
    const zlib = loadLater(recording().require)('node:zlib') as typeof import('node:zlib')
    const copy = { ...zlib }
    expect(Object.keys(copy)).toContain('gunzipSync')
    expect('gunzipSync' in zlib).toBe(true)
    expect(copy.gunzipSync(zlib.gzipSync('x')).toString()).toBe('x')
  })
})
