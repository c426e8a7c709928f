import { execFileSync } from 'node:child_process'
import { packLayer, type LayerSource } from '@ctr/overlay'
import type { Runtime } from '../../src/index.js'

/** Name of the image that {@link addBusybox} makes. */
export const busybox = 'localhost/busybox:latest'

const config = {
  Env: ['PATH=/usr/local/bin:/bin', 'FROM_IMAGE=yes'],
  Cmd: ['sh', '-c', 'echo default command'],
  WorkingDir: '/work',
  Labels: { kind: 'test' },
}

/** Makes an image of Debian's static busybox: every applet, two users, a second layer with whiteouts. */
export async function addBusybox(
  runtime: Runtime,
  {
    reference = busybox,
    more = [],
  }: { readonly reference?: string; readonly more?: readonly LayerSource[] } = {},
): Promise<void> {
  const program = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
  const applets = execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  const first: LayerSource[] = [
    { type: 'file', path: 'bin/busybox', source: program, mode: 0o755 },
    ...applets
      .filter((name) => name !== 'busybox')
      .map((name): LayerSource => ({ type: 'symlink', path: `bin/${name}`, target: 'busybox' })),
    { type: 'directory', path: 'tmp', mode: 0o1777 },
    {
      type: 'file',
      path: 'etc/passwd',
      content: 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n',
    },
    { type: 'file', path: 'etc/group', content: 'root:x:0:\napp:x:1000:\nextra:x:44:app\n' },
    { type: 'file', path: 'etc/gone', content: 'from the first layer\n' },
    { type: 'file', path: 'etc/motd', content: 'first\n' },
    { type: 'file', path: 'bin/not-executable', content: '#!/bin/sh\n', mode: 0o644 },
    { type: 'file', path: 'bin/not-a-program', content: 'neither ELF nor script\n', mode: 0o755 },
  ]
  const second: LayerSource[] = [
    { type: 'file', path: 'etc/motd', content: 'second\n' },
    { type: 'file', path: 'etc/.wh.gone', content: '' },
    ...more,
  ]
  await runtime.images.add(
    {
      config: { config },
      layers: [
        { tar: packLayer(first, { compression: 'none' }).stream },
        { tar: packLayer(second, { compression: 'none' }).stream },
      ],
    },
    { reference },
  )
}
