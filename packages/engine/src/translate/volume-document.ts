import type { Runtime } from '@ctr/runtime'
import { mountOptions } from './volume-mount.js'

type Volume = ReturnType<Runtime['volumes']['list']>[number]

/** A volume as `GET /volumes/{name}` shows it. */
export function volumeDocument({
  name,
  path,
  labels,
  createdAt,
  anonymous,
  mount,
}: Volume): Record<string, unknown> {
  return {
    CreatedAt: createdAt,
    Driver: 'local',
    Labels: anonymous ? { ...labels, 'com.docker.volume.anonymous': '' } : labels,
    Mountpoint: path,
    Name: name,
    Options: mountOptions(mount),
    Scope: 'local',
  }
}
