"use strict";

const at = (name) => document.getElementById(name);
const history = [];
let about = null;
let chosen = null;  // the profile that was chosen by hand; null: the SNR's
let paused = false;

const socket = new WebSocket(`ws://${location.host}/link`);
const send = (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));

function show(canvas, text) {
  const bytes = atob(text), [width, height] = about.frame;
  const image = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++)
      image.data[4 * pixel + channel] = bytes.charCodeAt(3 * pixel + channel);
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function button(text, profile) {
  const made = document.createElement("button");
  made.textContent = text;
  made.dataset.profile = profile === null ? "" : profile;
  made.onclick = () => { chosen = profile; press(); send({ profile }); };
  at("profiles").append(made);
}

function press() {
  for (const one of at("profiles").children)
    one.setAttribute("aria-pressed", one.dataset.profile === (chosen === null ? "" : String(chosen)));
}

function begin(message) {
  about = message.about;
  at("model").textContent = about.model;
  at("what").textContent = about.text;
  for (const name of ["source", "picture"]) [at(name).width, at(name).height] = about.frame;
  at("snr").value = message.snr;
  level(message.snr);
  at("profiles").replaceChildren();
  chosen = message.profile;
  if (about.profiles > 1) {
    button("profile by SNR", null);
    for (let profile = 0; profile < about.profiles; profile++) button(about.ranges[profile], profile);
  }
  press();
  pausing(message.paused);
  at("state").textContent = paused ? "paused" : "waiting for the first frame";
}

function pausing(now) {
  paused = now;
  at("pause").textContent = paused ? "Go on" : "Pause";
}

function level(snr) { at("level").textContent = `${Number(snr).toFixed(1)} dB`; }

function frame(message) {
  show(at("source"), message.source);
  show(at("picture"), message.picture);
  at("psnr").textContent = message.psnr === null ? "no error at all" : `PSNR ${message.psnr.toFixed(1)} dB`;
  for (const one of at("profiles").children)
    one.classList.toggle("used", one.dataset.profile === String(message.profile));
  const [tx, rx] = message.seconds.map((seconds) => (seconds * 1e6).toFixed(0));
  at("state").textContent = `frame ${message.number} at ${message.snr.toFixed(1)} dB` +
    (about.profiles > 1 ? `, profile ${message.profile}` : "") +
    `; simulated time from the driver's call to its result: transmitter ${tx}, receiver ${rx} \u00b5s at 100 MHz`;
  history.push({ psnr: message.psnr ?? 60, snr: message.snr });
  if (history.length > 160) history.shift();
  curve();
}

function curve() {
  const canvas = at("curve"), pen = canvas.getContext("2d");
  const line = (key, low, high, colour) => {
    pen.strokeStyle = pen.fillStyle = colour;
    pen.beginPath();
    history.forEach((one, place) => {
      const x = 4 * place, y = canvas.height * (1 - (one[key] - low) / (high - low));
      place ? pen.lineTo(x, y) : pen.moveTo(x, y);
    });
    pen.stroke();
  };
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.lineWidth = 2;
  line("snr", -5, 25, "#bbb");
  line("psnr", 5, 40, "#36c");
  pen.font = "12px sans-serif";
  pen.fillText("PSNR, 5 to 40 dB", 6, 14);
  pen.fillStyle = "#999";
  pen.fillText("SNR, -5 to 25 dB", 6, 30);
}

socket.onmessage = (event) => {
  const message = JSON.parse(event.data);
  if (message.about) begin(message);
  else if (message.error) at("state").textContent = message.error;
  else frame(message);
};
socket.onclose = () => { at("state").textContent = "the demonstration has ended"; };
at("snr").oninput = () => { level(at("snr").value); send({ snr: Number(at("snr").value) }); };
at("pause").onclick = () => {
  pausing(!paused);
  send({ paused });
};
