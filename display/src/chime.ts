/** Two soft bell tones, made here: no file to load. Chimes queue and never overlap. */
import { signal } from "@preact/signals";

const TONES_HZ = [659.3, 523.3];
const TONE_GAP_S = 0.28;
const CHIME_S = 1.5;
const MOST_QUEUED = 3;

/** True while the browser refuses sound; a touch on the page lifts that. */
export const isBlocked = signal(false);

let audio: AudioContext | null = null;
let freeAt = 0;

export function prepareSound(): void {
  audio = new AudioContext();
  const look = () => (isBlocked.value = audio?.state !== "running");
  audio.onstatechange = look;
  const unlock = () => void audio?.resume();
  addEventListener("pointerdown", unlock);
  addEventListener("keydown", unlock);
  // A context that may sound starts by itself within moments; only then is silence a fact.
  setTimeout(look, 1_000);
}

export function chime(): void {
  if (audio?.state !== "running") return;
  const start = Math.max(audio.currentTime, freeAt);
  if (start - audio.currentTime > CHIME_S * MOST_QUEUED) return;
  freeAt = start + CHIME_S;
  TONES_HZ.forEach((hz, index) => strike(audio!, hz, start + index * TONE_GAP_S));
}

function strike(context: AudioContext, hz: number, at: number): void {
  const tone = context.createOscillator();
  const loudness = context.createGain();
  tone.frequency.value = hz;
  loudness.gain.setValueAtTime(0.0001, at);
  loudness.gain.exponentialRampToValueAtTime(0.4, at + 0.02);
  loudness.gain.exponentialRampToValueAtTime(0.0001, at + 1.1);
  tone.connect(loudness).connect(context.destination);
  tone.start(at);
  tone.stop(at + 1.2);
}
