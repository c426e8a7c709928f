import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { describeLog } from './criu-log.js'

it('describeLog() quotes the last errors of a long log', () => {
  using folder = temporaryFolder()
  const errors = Array.from({ length: 12 }, (_, index) => `(00.1) Error (criu/x.c:1): number ${index}`)
  writeFileSync(join(folder.path, 'dump.log'), `${'(00.0) noise\n'.repeat(50_000)}${errors.join('\n')}\n`)
  const text = describeLog(folder.path, 'dump.log')
  expect(text.split('\n')).toEqual([
    `see ${folder.path}/dump.log:`,
    ...errors.slice(2).map((line) => `  ${line}`),
  ])
})

it('describeLog() says what is known where there is no log, or no error in it', () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'dump.log')
  expect(describeLog(folder.path, 'dump.log', 'bad option')).toBe(`bad option; CRIU wrote no ${path}`)
  writeFileSync(path, 'all is well\n')
  expect(describeLog(folder.path, 'dump.log', 'bad option')).toBe(`bad option; see ${path}`)
})
