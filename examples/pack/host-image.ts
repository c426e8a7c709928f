import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { packLayer, type LayerSource } from '@ctr/overlay'
import type { ImageRunConfig, NewImage } from '@ctr/registry'
import { findLibraries } from './libraries.js'

/** What to pack. */
export interface HostImageOptions {
  /** Programs of this machine, by name in `PATH` or by path. They are found in `/bin` of the image. */
  readonly programs: readonly string[]
  /** Other files of the image. */
  readonly files?: readonly LayerSource[] | undefined
  /** How containers of the image run. */
  readonly run?: ImageRunConfig | undefined
}

/** An image of programs of this machine, ready for `ImageStore.add`. */
export interface HostImage {
  /** The image; its layer can be read once. */
  readonly image: NewImage
  /** Names of the programs that are in it. */
  readonly programs: readonly string[]
  /** Paths of the loaders and libraries that are in it. */
  readonly libraries: readonly string[]
  /** Bytes of all programs and libraries. */
  readonly size: number
}

const accounts: readonly LayerSource[] = [
  {
    type: 'file',
    path: 'etc/passwd',
    content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n',
  },
  { type: 'file', path: 'etc/group', content: 'root:x:0:\nnogroup:x:65534:\n' },
  { type: 'directory', path: 'root', mode: 0o700 },
  { type: 'directory', path: 'tmp', mode: 0o1777 },
]

/**
 * Makes an image out of programs of this machine and the libraries that they need. What a machine without any
 * network can run in a container is what it has itself.
 *
 * @throws Error that names the program or library which is missing.
 */
export function hostImage({ programs, files = [], run = {} }: HostImageOptions): HostImage {
  const sources = new Map<string, LayerSource>()
  const libraries = new Set<string>()
  const searched = new Set<string>()
  for (const wanted of programs) {
    const source = realpathSync(findProgram(wanted))
    // kept where it is, since it may find its libraries from there
    sources.set(source, { type: 'file', path: source, source })
    const name = join('/bin', wanted.slice(wanted.lastIndexOf('/') + 1))
    if (name !== source) sources.set(name, { type: 'symlink', path: name, target: source })
    for (const library of findLibraries(source)) {
      libraries.add(library.path)
      sources.set(library.path, { type: 'file', path: library.path, source: library.source, mode: 0o755 })
      if (library.isConfigured) searched.add(dirname(library.path))
    }
  }
  const size = [...sources.values()].reduce(
    (sum, file) => sum + ('source' in file ? statSync(file.source).size : 0),
    0,
  )
  const { stream } = packLayer([...accounts, ...sources.values(), ...files], { compression: 'none' })
  const env = [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...(searched.size === 0 ? [] : [`LD_LIBRARY_PATH=${[...searched].join(':')}`]),
  ]
  const config = { ...run, Env: [...env, ...(run.Env ?? [])] }
  return {
    image: { config: { config }, layers: [{ tar: stream, compression: 'none' }] },
    programs: programs.map((program) => program.slice(program.lastIndexOf('/') + 1)),
    libraries: [...libraries],
    size,
  }
}

/** The path of a program, as execvp(3) finds it. */
export function findProgram(name: string): string {
  if (name.includes('/')) return name
  for (const folder of [...(process.env['PATH'] ?? '').split(':'), '/usr/bin', '/bin']) {
    const path = join(folder === '' ? '.' : folder, name)
    try {
      accessSync(path, constants.X_OK)
      if (statSync(path).isFile()) return path
    } catch {
      // not here
    }
  }
  throw new Error(`cannot pack ${name}: there is no such program on this machine`)
}

/** Those of `names` that this machine has. */
export function availablePrograms(names: readonly string[]): string[] {
  return names.filter((name) => {
    try {
      findProgram(name)
      return true
    } catch {
      return false
    }
  })
}
