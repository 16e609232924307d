#!/bin/sh
# Two calls to a real Asterisk 22, for the corpus: `sh tests/media/asterisk.sh CHROOT DIR` (root, 30 s). Debian 12
# has no Asterisk; one of sid is made in a directory of its own first:
#   mmdebstrap --variant=apt --include=asterisk sid CHROOT "deb MIRROR sid main"
# baresip calls it (apt baresip-core, ffmpeg); MixMonitor writes the mix and either direction, cdr_csv the row.
set -eu
root=$1
out=$2
here=$(mktemp -d)
trap 'kill $(cat "$here"/*.pid) 2>/dev/null; rm -rf "$here"' EXIT
etc=$root/etc/asterisk
cat > "$etc/pjsip.conf" <<CONFIG
[udp]
type=transport
protocol=udp
bind=127.0.0.1:15160
[phone]
type=endpoint
context=calls
disallow=all
allow=ulaw
transport=udp
aors=phone
direct_media=no
[phone]
type=aor
contact=sip:127.0.0.1:15181
[phone]
type=identify
endpoint=phone
match=127.0.0.1
CONFIG
cat > "$etc/extensions.conf" <<CONFIG
[calls]
exten => 67000000,1,Answer()
 same => n,Set(STEM=in-\${EXTEN}-\${CALLERID(num)}-\${STRFTIME(\${EPOCH},Europe/Riga,%Y%m%d-%H%M%S)}-\${UNIQUEID})
 same => n,MixMonitor(\${STEM}.wav,r(rx-\${STEM}.wav)t(tx-\${STEM}.wav))
 same => n,Playtones(440)
 same => n,Wait(20)
CONFIG
printf '[general]\nenable=yes\n[csv]\nusegmtime=no\nloguniqueid=yes\nloguserfield=yes\n' > "$etc/cdr.conf"
ln -sf /usr/share/zoneinfo/Europe/Riga "$root/etc/localtime" # it asks this, and not TZ
chroot "$root" asterisk -f -n > "$here/asterisk.log" 2>&1 &
echo $! > "$here/asterisk.pid"
ffmpeg -v error -f lavfi -i sine=frequency=440:sample_rate=8000:duration=20 -ac 1 "$here/tone.wav"
mkdir "$here/phone"
cat > "$here/phone/config" <<CONFIG
audio_player aufile,/dev/null
audio_source aufile,$here/tone.wav
audio_alert aufile,/dev/null
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module_tmp account.so
module_app menu.so
sip_listen 127.0.0.1:15181
CONFIG
echo '<sip:+37120000001@127.0.0.1:15181>;regint=0' > "$here/phone/accounts"
: > "$here/phone/contacts"
sleep 10
for seconds in 1 2; do
    baresip -f "$here/phone" -e "d sip:67000000@127.0.0.1:15160" -t "$seconds" > "$here/phone.log" 2>&1
    sleep 2
done
mkdir -p "$out"
mv "$root/var/spool/asterisk/monitor" "$root/var/log/asterisk/cdr-csv" "$out"
