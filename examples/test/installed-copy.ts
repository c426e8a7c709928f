import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('../..', import.meta.url))

interface Manifest {
  readonly files?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/**
 * Copies the examples to where every user can read them, with the packages as they were built and would be published,
 * and what these depend on: the checkout may be below a folder that is closed. The copy goes at the end of a `using`
 * block.
 */
export function installedCopy(): { readonly launcher: string } & Disposable {
  const root = mkdtempSync('/var/tmp/ctr-installed-')
  try {
    const examples = join(root, 'examples')
    cpSync(join(project, 'examples'), examples, {
      recursive: true,
      filter: (path) => !['node_modules', 'test'].includes(relative(join(project, 'examples'), path)),
    })
    cpSync(join(project, 'tsconfig.base.json'), join(root, 'tsconfig.base.json'))
    const { dependencies, devDependencies } = manifestOf(examples)
    const needed = Object.keys({ ...dependencies, ...devDependencies })
    copyDependencies(
      root,
      needed.filter((name) => name !== '@ctr/testing'),
    )
    chmodSync(root, 0o755)
    return {
      launcher: join(examples, 'run.mjs'),
      [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
    }
  } catch (error) {
    rmSync(root, { recursive: true, force: true })
    throw error
  }
}

/** Copies packages to the same `node_modules` below `root`, and whatever they need to run. */
function copyDependencies(root: string, names: readonly string[]): void {
  const waiting = names.map((name) => ({ name, from: project, optional: false }))
  const done = new Set<string>()
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const folder = folderOf(next.name, next.from)
    if (folder === undefined) {
      if (next.optional) continue // for other machines
      throw new Error(`${next.name}, which ${next.from} needs, is not installed`)
    }
    if (done.has(folder)) continue
    done.add(folder)
    const target = join(root, relative(project, folder))
    mkdirSync(dirname(target), { recursive: true })
    const { files, dependencies, optionalDependencies } = manifestOf(folder)
    const ours = next.name.startsWith('@ctr/')
    for (const path of ours ? ['package.json', ...(files ?? [])] : [''])
      if (existsSync(join(realpathSync(folder), path)))
        cpSync(join(realpathSync(folder), path), join(target, path), { recursive: true })
    const more = [dependencies, optionalDependencies].map((listed) => Object.keys(listed ?? {}))
    for (const [index, list] of more.entries())
      for (const name of list) waiting.push({ name, from: folder, optional: index === 1 })
  }
}

/** Where Node finds a package, seen from a folder of this project. */
function folderOf(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name)
    if (existsSync(found)) return found
    if (relative(project, folder) === '') return undefined
  }
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}
