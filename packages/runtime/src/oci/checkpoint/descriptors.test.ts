import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { inheritStreams, readDescriptors, saveDescriptors } from './descriptors.js'

it('saveDescriptors() keeps the names of streams as other runtimes do, and inheritStreams() finds the pipes', () => {
  using folder = temporaryFolder()
  saveDescriptors(folder.path, ['/dev/null', 'pipe:[12]', 'socket:[3]'])
  expect(readFileSync(join(folder.path, 'descriptors.json'), 'utf8')).toBe(
    '["/dev/null","pipe:[12]","socket:[3]"]',
  )
  expect(inheritStreams(folder.path)).toEqual([{ key: 'pipe:[12]', fd: 1 }])
})

it('inheritStreams() takes nothing else from a file that somebody else wrote', () => {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'descriptors.json'), '[7, null, "extRootNetNS", "pipe:[4]"]')
  expect(inheritStreams(folder.path)).toEqual([])
  writeFileSync(join(folder.path, 'descriptors.json'), '{"0": "pipe:[4]"}')
  expect(inheritStreams(folder.path)).toEqual([])
})

it('readDescriptors() names three streams, and has nothing for a process that is gone', () => {
  expect(readDescriptors(process.pid)).toHaveLength(3)
  expect(readDescriptors(0)).toEqual(['', '', ''])
})
