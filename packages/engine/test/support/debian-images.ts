import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { packLayer, type LayerSource } from '@ctr/overlay'
import type { ImageRunConfig } from '@ctr/registry'
import type { Runtime } from '@ctr/runtime'

const postgresFolder = '/usr/lib/postgresql'

/** Folder of Debian's newest PostgreSQL, whose programs are on no PATH; empty when there is none. */
export const postgres = existsSync(postgresFolder)
  ? join(postgresFolder, readdirSync(postgresFolder).sort().at(-1) ?? '')
  : ''

/** An image of programs of this machine, each with the libraries that it is linked with. */
interface DebianImage {
  readonly reference: string
  /** Paths of programs, and of libraries that they load. */
  readonly programs: readonly string[]
  /** Folders with all that is in them. */
  readonly folders?: readonly string[]
  readonly sources?: readonly LayerSource[]
  readonly config: ImageRunConfig
}

const users = 'root:x:0:0:root:/root:/bin/sh\nstore:x:999:999::/data:/bin/sh\n'

const images = (): readonly DebianImage[] => [
  {
    reference: 'nginx:local',
    programs: ['/usr/sbin/nginx'],
    sources: [
      { type: 'directory', path: 'var/log/nginx' },
      { type: 'directory', path: 'var/lib/nginx' },
      {
        type: 'file',
        path: 'etc/nginx.conf',
        content: `
daemon off;
user root root;
pid /tmp/nginx.pid;
error_log /dev/stderr;
events {}
http {
  access_log /dev/stdout;
  server {
    listen 80;
    root /www;
    add_header X-Server $hostname;
  }
}
`,
      },
    ],
    config: { Cmd: ['nginx', '-c', '/etc/nginx.conf'], StopSignal: 'SIGQUIT', ExposedPorts: ['80/tcp'] },
  },
  {
    reference: 'redis:local',
    programs: ['/usr/bin/redis-server', '/usr/bin/redis-cli'],
    config: {
      Cmd: ['redis-server', '--protected-mode', 'no', '--save', ''],
      User: 'store',
      WorkingDir: '/data',
    },
  },
  {
    reference: 'postgres:local',
    programs: [
      ...['initdb', 'postgres', 'psql', 'pg_isready'].map((name) => `${postgres}/bin/${name}`),
      ...['plpgsql', 'dict_snowball'].map((name) => `${postgres}/lib/${name}.so`),
    ],
    folders: [`/usr/share/postgresql/${postgres.split('/').at(-1) ?? ''}`],
    sources: [
      { type: 'file', path: 'usr/share/zoneinfo/UTC', source: '/usr/share/zoneinfo/UTC' },
      {
        type: 'file',
        path: 'bin/database',
        mode: 0o755,
        content: `#!/bin/sh
set -e
test -e /data/base/PG_VERSION || initdb -D /data/base -A trust --no-locale -E UTF8 -N
echo 'host all all all trust' >>/data/base/pg_hba.conf
exec postgres -D /data/base -c 'listen_addresses=*' -c unix_socket_directories=/tmp -c fsync=off
`,
      },
    ],
    config: {
      Cmd: ['database'],
      User: 'store',
      StopSignal: 'SIGINT',
      Env: [`PATH=${postgres}/bin:/bin`, 'TZ=UTC'],
    },
  },
]

/** Makes images of Debian's nginx, PostgreSQL and Redis, as they are installed here. */
export async function addDebianImages(runtime: Runtime): Promise<void> {
  for (const image of images()) await addImage(runtime, image)
}

async function addImage(
  runtime: Runtime,
  { reference, programs, folders = [], sources = [], config }: DebianImage,
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
