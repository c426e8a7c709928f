import { join } from 'node:path'
import {
  ImageStore,
  mediaTypes,
  RegistryClient,
  type ImageIndex,
  type RegistryServer,
} from '../../src/index.js'
import { tarOf } from './tar.js'

const anonymous = { credentials: 'anonymous' } as const

/** Pushes an index of two platforms by this package's client, and gives its name. */
export async function pushIndex(server: RegistryServer, folder: string): Promise<string> {
  await using client = new RegistryClient(anonymous)
  const name = `${server.address}/team/multi`
  const manifests = []
  for (const architecture of ['amd64', 'arm64'] as const) {
    const store = await ImageStore.open(join(folder, architecture))
    const layers = [{ tar: tarOf('arch', Buffer.from(architecture)) }]
    const image = await store.add({ config: { architecture }, layers }, { reference: 'x:1' })
    await store.push(`${name}:${architecture}`, { ...anonymous, image: 'x:1' })
    manifests.push({ ...image.descriptor, platform: { os: 'linux', architecture } })
  }
  const index: ImageIndex = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }
  await client.pushManifest(`${name}:all`, Buffer.from(JSON.stringify(index)))
  return `${name}:all`
}
