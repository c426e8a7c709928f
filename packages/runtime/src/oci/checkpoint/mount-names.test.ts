import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { resolveInRoot } from './mount-names.js'

it('resolveInRoot() follows links inside the root and never leads out of it', () => {
  using root = temporaryFolder()
  mkdirSync(join(root.path, 'real/conf'), { recursive: true })
  symlinkSync('/real/conf', join(root.path, 'conf'))
  symlinkSync('../../../real', join(root.path, 'out'))
  symlinkSync('loop', join(root.path, 'loop'))
  const paths = {
    '/conf/a': '/real/conf/a',
    'conf/../b': '/real/b',
    '/../../etc': '/etc',
    '/out/./conf': '/real/conf',
  }
  for (const [path, name] of Object.entries(paths)) expect(resolveInRoot(root.path, path)).toBe(name)
  expect(resolveInRoot(root.path, '/missing/conf/')).toBe('/missing/conf')
  expect(resolveInRoot(root.path, '/loop/x')).toBe('/loop/x')
})
