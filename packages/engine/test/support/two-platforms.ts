import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { packLayer } from '@ctr/overlay'
import { ImageStore, mediaTypes } from '@ctr/registry'

/** Writes an archive of an image for two processors, `amd64` and `arm64`. */
export async function archiveOfTwo(name: string, folder: string): Promise<string> {
  const store = await ImageStore.open(`${folder}/two`)
  const manifests = []
  for (const architecture of ['amd64', 'arm64']) {
    const { stream } = packLayer([{ type: 'file', path: 'arch', content: architecture }], {
      compression: 'none',
    })
    const { descriptor } = await store.add({
      config: { architecture, config: { Cmd: ['/arch'] } },
      layers: [{ tar: stream }],
    })
    manifests.push({ ...descriptor, platform: { os: 'linux', architecture } })
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }
  const entry = {
    mediaType: mediaTypes.ociIndex,
    ...(await store.blobs.put(Buffer.from(JSON.stringify(index)))),
  }
  const annotations = { 'io.containerd.image.name': name }
  writeFileSync(
    `${folder}/two/index.json`,
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }),
  )
  execFileSync('tar', [
    '-C',
    `${folder}/two`,
    '-cf',
    `${folder}/two.tar`,
    'oci-layout',
    'index.json',
    'blobs',
  ])
  return `${folder}/two.tar`
}
