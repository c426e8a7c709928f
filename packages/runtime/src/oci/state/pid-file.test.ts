import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { writePidFile } from './pid-file.js'

describe('writePidFile()', () => {
  it('writes the number alone', () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'pidfile')
    writePidFile(path, 4242)
    expect(readFileSync(path, 'utf8')).toBe('4242')
    expect(statSync(path).mode & 0o111).toBe(0)
    writePidFile(path, 5)
    expect(readFileSync(path, 'utf8')).toBe('5')
    expect(readdirSync(folder.path)).toEqual(['pidfile'])
  })

  it('follows no link, neither under its name nor under the temporary one', () => {
    using folder = temporaryFolder()
    const [path, victim] = [join(folder.path, 'pidfile'), join(folder.path, 'victim')]
    writeFileSync(victim, 'untouched')
    symlinkSync('victim', path)
    symlinkSync('victim', join(folder.path, '.pidfile'))
    writePidFile(path, 6)
    expect(readFileSync(victim, 'utf8')).toBe('untouched')
    expect(readFileSync(path, 'utf8')).toBe('6')
    expect(readdirSync(folder.path).sort()).toEqual(['pidfile', 'victim'])
  })

  it('says where it cannot write', () => {
    expect(() => {
      writePidFile('/nonexistent/pidfile', 1)
    }).toThrow('/nonexistent/.pidfile')
  })
})
