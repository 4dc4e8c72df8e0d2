import { nativeImage, type NativeImage } from 'electron'
import askedBar16 from '../icons/asked-bar-16.png'
import askedBar32 from '../icons/asked-bar-32.png'
import askedTemplate16 from '../icons/asked-template-16.png'
import askedTemplate32 from '../icons/asked-template-32.png'
import brokenBar16 from '../icons/broken-bar-16.png'
import brokenBar32 from '../icons/broken-bar-32.png'
import brokenTemplate16 from '../icons/broken-template-16.png'
import brokenTemplate32 from '../icons/broken-template-32.png'
import pausedBar16 from '../icons/paused-bar-16.png'
import pausedBar32 from '../icons/paused-bar-32.png'
import pausedTemplate16 from '../icons/paused-template-16.png'
import pausedTemplate32 from '../icons/paused-template-32.png'
import wellBar16 from '../icons/well-bar-16.png'
import wellBar32 from '../icons/well-bar-32.png'
import wellTemplate16 from '../icons/well-template-16.png'
import wellTemplate32 from '../icons/well-template-32.png'
import type { IconForm } from './tray-state.ts'

/** Each picture for bars of one and of two dots a point. */
type Picture = readonly [string, string]

/** Black alone: macOS gives it the colour of its bar. */
const templates: Record<IconForm, Picture> = {
  well: [wellTemplate16, wellTemplate32],
  asked: [askedTemplate16, askedTemplate32],
  broken: [brokenTemplate16, brokenTemplate32],
  paused: [pausedTemplate16, pausedTemplate32],
}

/** White with a rim, for bars whose colour nobody tells. */
const bars: Record<IconForm, Picture> = {
  well: [wellBar16, wellBar32],
  asked: [askedBar16, askedBar32],
  broken: [brokenBar16, brokenBar32],
  paused: [pausedBar16, pausedBar32],
}

/** The tray's icon in a form. */
export function iconFor(form: IconForm, platform: NodeJS.Platform = process.platform): NativeImage {
  const isTemplate = platform === 'darwin'
  const [normal, double] = (isTemplate ? templates : bars)[form]
  const image = nativeImage.createFromDataURL(normal)
  image.addRepresentation({ scaleFactor: 2, dataURL: double })
  if (isTemplate) image.setTemplateImage(true)
  return image
}
