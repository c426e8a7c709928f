import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '@ctr/testing'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { resolve } = createRequire(import.meta.url)

/** A folder in which the package is installed, compiled from these sources, for programs of plain Node. */
export function installed(): ReturnType<typeof temporaryFolder> {
  const folder = temporaryFolder('ctr-installed-')
  const modules = join(folder.path, 'node_modules')
  const home = join(modules, '@ctr/linux')
  mkdirSync(home, { recursive: true })
  const dependencies = join(dirname(resolve('koffi')), '..')
  for (const name of ['koffi', '@koromix']) symlinkSync(join(dependencies, name), join(modules, name))
  copyFileSync(join(root, 'package.json'), join(home, 'package.json'))
  const tsc = join(dirname(resolve('typescript/package.json')), 'bin/tsc')
  const emit = ['--emitDeclarationOnly', 'false', '--declaration', 'false', '--declarationMap', 'false']
  const project = ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(home, 'dist')]
  execFileSync(process.execPath, [tsc, ...project, ...emit])
  return folder
}
