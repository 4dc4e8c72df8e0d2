import { nativeImage, type NativeImage } from 'electron'
import type { IconForm } from './tray-state.ts'
export function iconFor(_form: IconForm): NativeImage {
  return nativeImage.createEmpty()
}
