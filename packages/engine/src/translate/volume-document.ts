import type { Runtime } from '@ctr/runtime'
import { optionsOf } from './volume-mount.js'

type Volume = ReturnType<Runtime['volumes']['list']>[number]

/** A volume as `GET /volumes/{name}` shows it. */
export function volumeDocument(volume: Volume): Record<string, unknown> {
  const { name, path, labels, createdAt, anonymous } = volume
  return {
    CreatedAt: createdAt.replace(/\.\d+Z$/, 'Z'),
    Driver: 'local',
    Labels: anonymous ? { ...labels, 'com.docker.volume.anonymous': '' } : labels,
    Mountpoint: path,
    Name: name,
    Options: optionsOf(volume.mount, volume.storage()),
    Scope: 'local',
  }
}
