import type { Backend } from '../backend/backend.js'
import type { CreateRequest } from '../backend/create-request.js'
import { printError } from '../output/pipe-end.js'

/** Does something that needs an image, and pulls the image first where it must be. */
export async function withImage<T>(
  backend: Pick<Backend, 'isMissingImage' | 'pull'>,
  { flags, options: { image, platform } }: CreateRequest,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (image === undefined) return await work()
  const pull = (): Promise<unknown> =>
    backend.pull(image, { quiet: flags.quiet ?? false, stream: process.stderr, signal, platform })
  if (flags.pull === 'always') await pull()
  try {
    return await work()
  } catch (error) {
    if (!backend.isMissingImage(error) || flags.pull !== 'missing') throw error
    if (flags.quiet !== true) printError(`Unable to find image '${image}' locally`)
    await pull()
    return await work()
  }
}
