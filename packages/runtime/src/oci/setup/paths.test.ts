import { describe, expect, it } from '@jest/globals'
import { Program } from '@ctr/linux'
import { makeMasks, maskPaths } from './paths.js'

describe('maskPaths()', () => {
  it('makes no cover for what is missing, and fails should it be there', () => {
    const program = new Program()
    maskPaths(program, 3, makeMasks(program, [{ path: '/proc/scsi', kind: 'missing' }]))
    expect(program.entries.map(({ call, minimum, step }) => [call, minimum, step])).toEqual([
      ['openat2', 2 ** 31, 'hide /proc/scsi, which was not there before'],
    ])
    expect(program.entries[0]!.tolerate).toContain('ENOENT')
  })

  it('makes a cover of a kind for each path whose kind is known', () => {
    const program = new Program()
    const masks = makeMasks(program, [
      { path: '/proc/keys', kind: 'file' },
      { path: '/proc/acpi', kind: 'folder' },
      { path: '/sys/firmware', kind: 'folder' },
    ])
    maskPaths(program, 3, masks)
    const calls = program.entries.map(({ call }) => call)
    expect(calls.filter((call) => call === 'move_mount')).toHaveLength(3)
    expect(calls.filter((call) => call === 'open_tree')).toHaveLength(2) // /dev/null, a copy of the first folder
    expect(calls.filter((call) => call === 'fsmount')).toHaveLength(1)
  })
})
