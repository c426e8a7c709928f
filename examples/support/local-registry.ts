import { join } from 'node:path'
import { ImageStore, RegistryServer } from '@ctr/registry'
import { hostImage, type HostImageOptions } from '../pack/host-image.js'
import { temporaryFolder } from './temporary-folder.js'

/** A registry in this process with one image in it. */
export interface LocalRegistry extends AsyncDisposable {
  /** Name of the image: `127.0.0.1:43521/host:latest`. */
  readonly image: string
}

/**
 * Starts a registry on this machine that has an image of this machine's own programs, for examples that
 * need something to pull where there may be no other network. Goes at the end of an `await using` block.
 */
export async function localRegistry(options: HostImageOptions): Promise<LocalRegistry> {
  const folder = temporaryFolder()
  const server = await RegistryServer.start({ root: join(folder.path, 'registry') })
  const close = async (): Promise<void> => {
    await server[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  }
  const image = `${server.address}/host:latest`
  try {
    const store = await ImageStore.open(join(folder.path, 'packed'))
    await store.add(hostImage(options).image, { reference: image })
    await store.push(image)
    return { image, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}
