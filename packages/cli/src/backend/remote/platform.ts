import { CliError } from '../../errors.js'
import { speaks } from './api-version.js'
import type { DaemonClient } from './daemon-client.js'

/**
 * `os/architecture[/variant]` as the API has it.
 *
 * @throws `CliError` `ERR_CLI_REFUSED`: the daemon is older, and would take all of the image.
 */
export async function platformFor(
  client: DaemonClient,
  text: string | undefined,
  what: string,
): Promise<object | undefined> {
  if (text === undefined) return undefined
  if (!(await speaks(client, 48)))
    throw new CliError(
      'ERR_CLI_REFUSED',
      `cannot ${what} one platform of an image: this daemon is older than version 1.48 of the API`,
    )
  const [os, architecture, variant] = text.split('/')
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}
