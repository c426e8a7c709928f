import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { packLayer, type LayerSource } from '@ctr/overlay'
import type { ImageRunConfig } from '@ctr/registry'
import type { Runtime } from '@ctr/runtime'

/** An image of programs of this machine, each with the libraries that it is linked with. */
export interface ProgramImage {
  readonly reference: string
  /** Paths of programs, and of libraries that they load. */
  readonly programs: readonly string[]
  /** Folders with all that is in them. */
  readonly folders?: readonly string[]
  readonly sources?: readonly LayerSource[]
  readonly config: ImageRunConfig
}

const users = 'root:x:0:0:root:/root:/bin/sh\nstore:x:999:999::/data:/bin/sh\n'

/** Makes such an image, with a shell of busybox. */
export async function addProgramImage(
  runtime: Runtime,
  { reference, programs, folders = [], sources = [], config }: ProgramImage,
): Promise<void> {
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
  const applets = ['sh', 'test', 'wget', 'cat', 'ls', 'sleep']
  const files = new Set([...programs, ...programs.flatMap(librariesOf), ...folders.flatMap(filesBelow)])
  const layer = packLayer(
    [
      { type: 'file', path: 'bin/busybox', source: busybox, mode: 0o755 },
      ...applets.map((name): LayerSource => ({ type: 'symlink', path: `bin/${name}`, target: 'busybox' })),
      { type: 'directory', path: 'tmp', mode: 0o1777 },
      { type: 'directory', path: 'data', mode: 0o700, uid: 999, gid: 999 },
      { type: 'file', path: 'etc/passwd', content: users },
      { type: 'file', path: 'etc/group', content: 'root:x:0:\nstore:x:999:\n' },
      ...[...files].map((source): LayerSource => ({
        type: 'file',
        path: source.slice(1),
        source,
        mode: 0o755,
      })),
      ...sources,
    ],
    { compression: 'none' },
  )
  await runtime.images.add(
    {
      config: {
        created: '2026-01-01T00:00:00Z',
        config: { Env: ['PATH=/usr/sbin:/usr/bin:/bin'], ...config },
      },
      layers: [{ tar: layer.stream }],
    },
    { reference },
  )
}

/** Paths of the loader and the libraries that a program is linked with. */
function librariesOf(program: string): string[] {
  const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n')
  return lines.flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? [])
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}
