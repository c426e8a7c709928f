import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withDebian } from '../../scripts/debian-packages.mjs'

const cache = fileURLToPath(new URL('../../node_modules/.cache/vm', import.meta.url))

/**
 * The kernel of a machine with its modules, downloaded once. Delete the folder to get a newer one.
 *
 * @param {{ suite: string, flavour: string }} machine
 * @returns {{ release: string, image: string, modules: string }} `modules` holds modules.dep and the modules.
 */
export function kernelOf({ suite, flavour }) {
  const folder = join(cache, flavour === 'cloud-amd64' ? `linux-${suite}` : `linux-${suite}-${flavour}`)
  if (!existsSync(folder)) download(suite, flavour, folder)
  const [release] = readdirSync(join(folder, 'lib/modules'))
  return { release, image: join(folder, 'vmlinuz'), modules: join(folder, 'lib/modules', release) }
}

/**
 * Module files in the order in which they have to be loaded.
 *
 * @param {string} modules - Folder with modules.dep.
 * @param {string[]} names - Those that are built into this kernel are left out.
 * @returns {string[]} Paths below `modules`.
 */
export function withDependencies(modules, names) {
  const needs = new Map()
  for (const line of readFileSync(join(modules, 'modules.dep'), 'utf8').split('\n')) {
    const [path, ...dependencies] = line.split(/:? +|:/).filter(Boolean)
    if (path !== undefined) needs.set(path, dependencies)
  }
  const order = new Set()
  const add = (path) => {
    for (const dependency of needs.get(path) ?? []) if (!order.has(dependency)) add(dependency)
    order.add(path)
  }
  for (const path of names.flatMap((name) =>
    [...needs.keys()].filter((key) => key.endsWith(`/${name}.ko`)),
  )) {
    add(path)
  }
  return [...order]
}

function download(suite, flavour, folder) {
  console.log(`setup: the kernel ${flavour} of Debian ${suite}, for tests in a virtual machine`)
  const work = `${folder}.new`
  rmSync(work, { recursive: true, force: true })
  mkdirSync(join(work, 'lib'), { recursive: true })
  const root = join(work, 'root')
  withDebian(suite, (debian) => {
    const [name] = debian
      .dependencies(`linux-image-${flavour}`)
      .filter((dependency) => dependency.startsWith('linux-image-'))
    debian.unpack([name], root, { alone: true })
  })
  const image = readdirSync(join(root, 'boot')).find((name) => name.startsWith('vmlinuz-'))
  renameSync(join(root, 'boot', image), join(work, 'vmlinuz'))
  const modules = ['usr/lib/modules', 'lib/modules'].map((path) => join(root, path)).find(existsSync)
  renameSync(modules, join(work, 'lib/modules'))
  for (const kind of ['sound', 'drivers/gpu', 'drivers/media', 'drivers/net/wireless'])
    for (const release of readdirSync(join(work, 'lib/modules')))
      rmSync(join(work, 'lib/modules', release, 'kernel', kind), { recursive: true, force: true })
  rmSync(root, { recursive: true })
  const packed = readdirSync(join(work, 'lib/modules'), { recursive: true }).filter((path) =>
    path.endsWith('.xz'),
  )
  for (let n = 0; n < packed.length; n += 200) {
    execFileSync('xz', ['-d', ...packed.slice(n, n + 200)], { cwd: join(work, 'lib/modules') })
  }
  execFileSync('busybox', ['depmod', '-b', work, image.slice('vmlinuz-'.length)])
  renameSync(work, folder)
}
