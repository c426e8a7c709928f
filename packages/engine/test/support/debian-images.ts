import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Runtime } from '@ctr/runtime'
import { addProgramImage, type ProgramImage } from './program-image.js'

const postgresFolder = '/usr/lib/postgresql'

/** Folder of Debian's newest PostgreSQL, whose programs are on no PATH; empty when there is none. */
export const postgres = existsSync(postgresFolder)
  ? join(postgresFolder, readdirSync(postgresFolder).sort().at(-1) ?? '')
  : ''

const images = (): readonly ProgramImage[] => [
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
  for (const image of images()) await addProgramImage(runtime, image)
}
