import type { LogDriver } from './driver.js'
import { jsonFile, local } from './file-drivers.js'

/** All log drivers besides `none`. */
export const drivers: Readonly<Record<string, LogDriver>> = {
  'json-file': jsonFile,
  local,
}
