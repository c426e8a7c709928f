import { execFileSync } from 'node:child_process'
import type { Readable } from 'node:stream'
import { packLayer, type LayerSource } from '@ctr/overlay'

/** The root file system that everybody runs: a static busybox with its names. */
export class RootTree {
  readonly #sources: readonly LayerSource[]

  private constructor(sources: readonly LayerSource[]) {
    this.#sources = sources
  }

  /** @throws When this machine has no busybox. */
  static ofBusybox(): RootTree {
    const program = findBusybox()
    const applets = execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n')
    return new RootTree([
      { type: 'directory', path: 'bin' },
      { type: 'file', path: 'bin/busybox', source: program, mode: 0o755 },
      ...applets
        .filter((name) => name !== 'busybox')
        .map((name): LayerSource => ({ type: 'symlink', path: `bin/${name}`, target: 'busybox' })),
      ...['dev', 'proc', 'sys'].map((path): LayerSource => ({ type: 'directory', path })),
      { type: 'directory', path: 'tmp', mode: 0o1777 },
      { type: 'file', path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\n' },
      { type: 'file', path: 'etc/group', content: 'root:x:0:\n' },
      ...['hosts', 'hostname', 'resolv.conf'].map((name): LayerSource => ({
        type: 'file',
        path: `etc/${name}`,
        content: '',
      })),
    ])
  }

  /**
   * The tree with further programs of this machine, each with the libraries that it is linked with.
   *
   * @param names - Programs on the PATH.
   * @param files - Further files, by path.
   */
  with(names: readonly string[], files: Readonly<Record<string, string>> = {}): RootTree {
    const programs = names.map(findProgram)
    const libraries = new Set(programs.flatMap(linkedWith))
    return new RootTree([
      ...this.#sources,
      ...[...programs, ...libraries].map((source): LayerSource => ({
        type: 'file',
        path: source.slice(1),
        source,
        mode: 0o755,
      })),
      ...Object.entries(files).map(([path, content]): LayerSource => ({ type: 'file', path, content })),
    ])
  }

  /** The tree as a tar archive, the same bytes each time. */
  tar(): Readable {
    const { stream, digests } = packLayer(this.#sources, { compression: 'none' })
    digests.catch(() => undefined) // the stream tells
    return stream
  }
}

function findBusybox(): string {
  const path = findProgram('busybox')
  if (path === '')
    throw new Error('cannot measure anything: busybox is not installed (Debian: busybox-static)')
  return path
}

/** Path of a program of this machine; empty when there is none. */
export function findProgram(name: string): string {
  return execFileSync('sh', ['-c', 'command -v "$0" || true', name], { encoding: 'utf8' }).trim()
}

/** Paths of the loader and the libraries that a program is linked with. */
function linkedWith(program: string): string[] {
  const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n')
  return lines.flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? [])
}
