import { expect, it } from '@jest/globals'
import { goMode, goTime, pathStat } from './path-stat.js'

// what a dockerd 28.5 answers for the same files
it.each([
  ['a folder', 0o040755, 2147484141],
  ['a sticky folder', 0o041777, 2148532735],
  ['a file', 0o100644, 420],
  ['a setuid file', 0o104711, 8389065],
  ['a link', 0o120777, 134218239],
  ['a fifo', 0o010644, 33554852],
  ['a character device', 0o020644, 69206436],
])('goMode() has the bits of %s', (_name, mode, expected) => {
  expect(goMode(mode)).toBe(expected)
})

it('goTime() has as many digits as are needed', () => {
  expect(goTime(1_795_949_852_679_376_392n)).toBe('2026-11-29T10:57:32.679376392Z')
  expect(goTime(1_795_949_850_000_000_000n)).toBe('2026-11-29T10:57:30Z')
  expect(goTime(1_795_949_850_900_000_000n)).toBe('2026-11-29T10:57:30.9Z')
  expect(goTime(-500_000_000n)).toBe('1969-12-31T23:59:59.5Z')
})

it('pathStat() is JSON in base64', () => {
  const status = { name: 'rel', size: 6, mode: 0o120777, mtimeNs: 0n, linkTarget: '/d/f' }
  expect(Buffer.from(pathStat(status), 'base64').toString()).toBe(
    '{"name":"rel","size":6,"mode":134218239,"mtime":"1970-01-01T00:00:00Z","linkTarget":"/d/f"}',
  )
})
