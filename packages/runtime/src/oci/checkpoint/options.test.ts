import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { checkOptions, type CheckpointOptions } from './options.js'

it('checkOptions() takes a parent folder that is relative to the images', () => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'parent'))
  checkOptions({ imagePath: join(folder.path, 'images'), parentPath: '../parent', emptyNs: ['network'] })
})

it.each([
  [{ imagePath: '' }, '--image-path'],
  [{ parentPath: '/absolute' }, '--parent-path'],
  [{ parentPath: 'missing' }, '--parent-path'],
  [{ parentPath: 'file' }, '--parent-path'],
  [{ manageCgroupsMode: 'hard' }, '--manage-cgroups-mode'],
  [{ networkLock: 'ipfw' }, '--network-lock'],
  [{ emptyNs: ['pid'] }, '--empty-ns'],
])('checkOptions() refuses %j', (wrong, named) => {
  using folder = temporaryFolder()
  writeFileSync(join(folder.path, 'file'), '')
  const options = { imagePath: folder.path, ...wrong } as CheckpointOptions
  expect(() => {
    checkOptions(options)
  }).toThrow(
    expect.objectContaining({
      code: 'ERR_RUNTIME_INVALID_ARG',
      message: expect.stringContaining(named) as unknown,
    }),
  )
})
