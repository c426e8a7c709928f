import { readFileSync } from 'node:fs'
import { checkDeviceName } from '../../validate.js'
import { parseJson, isJsonObject } from '../json.js'
import { isCniName } from '../network-config.js'
import { CNI_VERSIONS } from '../versions.js'
import { add, check, del, gc, status, type PluginContainer } from './plugin-commands.js'
import { describeError, INVALID_ENVIRONMENT, IO_FAILURE, PluginError } from './plugin-error.js'
import { readArguments, readNetwork, type PluginNetwork } from './plugin-request.js'

type Environment = Readonly<Record<string, string | undefined>>

/** How a plugin ends. */
export interface PluginEnding {
  readonly exitCode: 0 | 1
  /** What it prints on its standard output. */
  readonly output: string
}

/**
 * Does what a runtime asks of a CNI plugin.
 *
 * @param env - `CNI_COMMAND` and the others.
 * @param readInput - Reads the configuration of the network.
 */
export async function runAsPlugin(
  env: Environment,
  readInput: () => string = readStandardInput,
): Promise<PluginEnding> {
  let cniVersion: unknown = CNI_VERSIONS.at(-1)
  try {
    const command = env['CNI_COMMAND'] ?? ''
    if (command === '')
      throw new PluginError(INVALID_ENVIRONMENT, 'required env variables [CNI_COMMAND] missing')
    const input = parseJson(readInput())
    if (isJsonObject(input) && typeof input['cniVersion'] === 'string') cniVersion = input['cniVersion']
    const output = await answer(command, env, input)
    return { exitCode: 0, output: output === undefined ? '' : `${JSON.stringify(output)}\n` }
  } catch (error) {
    return { exitCode: 1, output: `${JSON.stringify({ cniVersion, ...describeError(error) })}\n` }
  }
}

async function answer(command: string, env: Environment, input: unknown): Promise<unknown> {
  if (command === 'VERSION') return { cniVersion: CNI_VERSIONS.at(-1), supportedVersions: CNI_VERSIONS }
  const network = (): PluginNetwork => readNetwork(input, readArguments(env['CNI_ARGS'] ?? ''))
  if (command === 'ADD') return await add(network(), containerOf(env, true))
  if (command === 'DEL') await del(network(), containerOf(env, false))
  else if (command === 'CHECK') await check(network(), containerOf(env, true))
  else if (command === 'GC') await gc(network())
  else if (command === 'STATUS') await status(network())
  else throw new PluginError(INVALID_ENVIRONMENT, `unknown CNI_COMMAND: ${command}`)
  return undefined
}

function containerOf(env: Environment, needsNamespace: boolean): PluginContainer {
  const required = ['CNI_CONTAINERID', 'CNI_IFNAME', ...(needsNamespace ? ['CNI_NETNS'] : [])]
  const missing = required.filter((name) => (env[name] ?? '') === '')
  if (missing.length > 0) {
    throw new PluginError(INVALID_ENVIRONMENT, `required env variables [${missing.join(',')}] missing`)
  }
  const { CNI_CONTAINERID: containerId = '', CNI_IFNAME: ifname = '', CNI_NETNS: netns = '' } = env
  if (!isCniName(containerId)) {
    throw new PluginError(INVALID_ENVIRONMENT, `invalid CNI_CONTAINERID: ${JSON.stringify(containerId)}`)
  }
  try {
    checkDeviceName('CNI_IFNAME', ifname)
  } catch (error) {
    throw new PluginError(INVALID_ENVIRONMENT, describeError(error).msg)
  }
  return { containerId, ifname, netns }
}

function readStandardInput(): string {
  try {
    return readFileSync(0, 'utf8')
  } catch (error) {
    throw new PluginError(IO_FAILURE, `cannot read the network configuration: ${describeError(error).msg}`)
  }
}
